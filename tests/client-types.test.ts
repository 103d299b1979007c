import { readFileSync } from 'node:fs'
import { schemaOf } from '@usdcop/feature-client/schema-of'
import { schemaText } from '@usdcop/feature-client/schema-text'
import { defineFeatures } from '@usdcop/feature-repo/features'
import { parseContract } from '@usdcop/observation/contract'
import { expect, test } from 'vitest'

const inRoot = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

test('feature_repo/client-types.ts says what features.ts defines', () => {
  const contract = parseContract(JSON.parse(inRoot('config/contracts/observation-15d.v1.json')))
  const written = schemaText(schemaOf(defineFeatures(contract)))
  expect(inRoot('feature_repo/client-types.ts')).toBe(written)
})

import { readFileSync } from 'node:fs'
import { defineFeatures } from '@usdcop/feature-repo/features'
import { parseContract } from '@usdcop/observation/contract'
import { expect, test } from 'vitest'

const file = new URL('../config/contracts/observation-15d.v1.json', import.meta.url)
const contract = parseContract(JSON.parse(readFileSync(file, 'utf8')))
const registry = defineFeatures(contract)

test('serves the fifteen features in contract order', () => {
  const service = registry.services.get('observation_15d')
  expect(service?.projections.flatMap(({ features }) => features)).toEqual(contract.names)
  expect(service?.projections.map(({ view }) => view)).toEqual([
    'technical_features',
    'macro_features',
    'state_features',
  ])
})

test('tags every view and the service with the definition they were made for', () => {
  const tagged = [...registry.views.values(), ...registry.services.values()]
  expect(tagged.map(({ tags }) => tags)).toEqual(
    tagged.map(() => ({ definition_hash: contract.definitionHash })),
  )
})

test('keeps the ttl and the push source of each view', () => {
  const views = [...registry.views.values()]
  expect(views.map(({ name, ttlMs, pushSource }) => [name, ttlMs, pushSource])).toEqual([
    ['technical_features', 1_800_000, undefined],
    ['macro_features', 86_400_000, undefined],
    ['state_features', 1_800_000, 'state_push'],
  ])
})

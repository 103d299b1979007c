import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeRegistry } from '@usdcop/feast/registry/registry-file'
import { defineFeatures } from '@usdcop/feature-repo/features'
import { parseContract } from '@usdcop/observation/contract'
import { feastCli } from '@usdcop/tests/support/feast-cli'
import { expect, onTestFinished, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('Feast applies features.py, and holds what features.ts defines', async ({ signal }) => {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-feature-repo-'))
  onTestFinished(async () => await rm(folder, { recursive: true, force: true }))
  for (const part of ['feature_store.yaml', 'features.py', '.feastignore', 'golden.py'])
    await cp(join(root, 'feature_repo', part), join(folder, 'feature_repo', part))
  await cp(join(root, 'config/contracts'), join(folder, 'config/contracts'), { recursive: true })
  const repository = join(folder, 'feature_repo')
  const env = { REDIS_CONNECTION_STRING: '127.0.0.1:1' }
  await feastCli(repository, ['apply'], env, signal)
  const bytes = await readFile(join(folder, '.usdcop/registry.db'))
  const theirs = decodeRegistry(bytes, 'usdcop_trading', { onlineVersioning: false })

  const contract = join(root, 'config/contracts/observation-15d.v1.json')
  const ours = defineFeatures(parseContract(JSON.parse(await readFile(contract, 'utf8'))))
  expect(theirs.views.size).toBe(3)
  expect(asDefined(theirs)).toEqual(asDefined(ours))
})

/** When things were applied, and what Feast keeps of earlier versions, is no part of definitions. */
function asDefined(value: unknown): unknown {
  if (value instanceof Map) return byName(new Map([...value].map(([k, v]) => [k, asDefined(v)])))
  if (Array.isArray(value)) return value.map(asDefined)
  if (typeof value !== 'object' || value === null) return value
  const { createdAt: _created, updatedAt: _updated, history: _history, ...rest } = value as Applied
  return Object.fromEntries(Object.entries(rest).map(([key, of]) => [key, asDefined(of)]))
}

interface Applied {
  readonly createdAt?: unknown
  readonly updatedAt?: unknown
  readonly history?: unknown
}

/** Feast applies in no particular order. */
function byName(objects: ReadonlyMap<unknown, unknown>): unknown {
  return [...objects].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
}

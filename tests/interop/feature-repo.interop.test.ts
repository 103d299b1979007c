import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BatchSource, Feature, Registry, Tags } from '@usdcop/feast/registry/definitions'
import type { ValueType } from '@usdcop/feast/wire/value'
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
  const dump = await feastCli(repository, ['registry-dump'], env, signal)
  const theirs = JSON.parse(dump) as Dump

  const contract = join(root, 'config/contracts/observation-15d.v1.json')
  const ours = defineFeatures(parseContract(JSON.parse(await readFile(contract, 'utf8'))))
  expect(theirs.featureViews).toHaveLength(3)
  expect(definitionsIn(theirs)).toEqual(listed(ours))
})

interface Source {
  readonly name: string
  readonly type: string
  readonly timestampField: string
  readonly createdTimestampColumn: string
  readonly fileOptions?: { readonly uri: string }
  readonly batchSource?: Source
}

interface Dump {
  readonly project: string
  readonly dataSources: readonly Source[]
  readonly entities: readonly { spec: { name: string; joinKey: string; valueType: ValueType } }[]
  readonly featureViews: readonly {
    readonly spec: {
      readonly name: string
      readonly entities: string[]
      readonly features: Feature[]
      readonly ttl: string
      readonly tags: Tags
      readonly online: boolean
      readonly batchSource: Source
      readonly streamSource?: Source
    }
  }[]
  readonly featureServices: readonly {
    readonly spec: {
      readonly name: string
      readonly tags: Tags
      readonly features: readonly { featureViewName: string; featureColumns: Feature[] }[]
    }
  }[]
}

/** What Feast's `registry-dump` says, in our words; Feast adds an entity of its own. */
function definitionsIn({ project, dataSources, ...dump }: Dump): unknown {
  const entities = dump.entities.map(({ spec }) => spec).filter(({ name }) => name !== '__dummy')
  return {
    project,
    entities: entities.map((entity) => ({ ...entity, tags: {} })),
    views: dump.featureViews.map(({ spec }) => ({
      name: spec.name,
      entities: spec.entities,
      features: spec.features,
      ttlMs: Number.parseInt(spec.ttl, 10) * 1_000,
      pushSource: spec.streamSource?.name,
      batchSource: historyIn(spec.batchSource),
      tags: spec.tags,
    })),
    services: dump.featureServices.map(({ spec }) => ({
      name: spec.name,
      projections: spec.features.map(({ featureViewName, featureColumns }) => ({
        view: featureViewName,
        features: featureColumns.map(({ name }) => name),
      })),
      tags: spec.tags,
    })),
    pushSources: dataSources
      .filter(({ type }) => type === 'PUSH_SOURCE')
      .map(({ name, timestampField, batchSource }) => ({
        name,
        timestampField,
        batchSource: batchSource?.name,
      })),
    batchSources: dataSources.filter(({ type }) => type !== 'PUSH_SOURCE').map(historyIn),
  }
}

function historyIn(source: Source): BatchSource {
  return {
    name: source.name,
    kind: source.type,
    path: source.fileOptions?.uri ?? '',
    timestampField: source.timestampField,
    createdTimestampField: source.createdTimestampColumn,
    tags: {},
  }
}

/** A dump's lists are in the order of names. */
function listed(registry: Registry): unknown {
  const list = <T extends { readonly name: string }>(named: ReadonlyMap<string, T>): T[] =>
    [...named.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  return {
    project: registry.project,
    entities: list(registry.entities),
    views: list(registry.views),
    services: list(registry.services),
    pushSources: list(registry.pushSources),
    batchSources: list(registry.batchSources),
  }
}

import { readFile } from 'node:fs/promises'
import type {
  BatchSource,
  Definitions,
  Feature,
  FeatureView,
  Registry,
} from '@usdcop/feast/registry/definitions'
import { createRegistry } from '@usdcop/feast/registry/registry'
import { type Contract, parseContract } from '@usdcop/observation/contract'

const MINUTE_MS = 60_000
const TTL_MS = {
  technical_features: 30 * MINUTE_MS,
  macro_features: 24 * 60 * MINUTE_MS,
  state_features: 30 * MINUTE_MS,
}
type ViewName = keyof typeof TTL_MS

/** What the gateway pushes after each decision; its event time is the bar's close. */
const STATE_PUSH = {
  name: 'state_push',
  timestampField: 'event_timestamp',
  batchSource: 'state_features_history',
  tags: {},
}

/** What `usdcop feast apply` applies; `features.py` says the same to Feast. */
export async function definitions(env: NodeJS.ProcessEnv): Promise<Definitions> {
  const file =
    env['CONTRACT_FILE'] ?? new URL('../config/contracts/observation-15d.v1.json', import.meta.url)
  return definitionsUnder(parseContract(JSON.parse(await readFile(file, 'utf8'))))
}

export function defineFeatures(contract: Contract): Registry {
  return createRegistry(definitionsUnder(contract))
}

/**
 * The project's features, named by the contract and in its order. The definition hash on views and
 * service tells readers which definition the rows were computed under.
 */
function definitionsUnder(contract: Contract): Definitions {
  const tags = { definition_hash: contract.definitionHash }
  const views = (Object.keys(TTL_MS) as ViewName[]).map(
    (name): FeatureView => ({
      name,
      entities: ['symbol'],
      features: featuresOf(contract, name),
      ttlMs: TTL_MS[name],
      pushSource: name === 'state_features' ? STATE_PUSH.name : undefined,
      batchSource: historyOf(name),
      tags,
    }),
  )
  return {
    project: 'usdcop_trading',
    entities: [{ name: 'symbol', joinKey: 'symbol', valueType: 'STRING', tags: {} }],
    views,
    services: [
      {
        name: 'observation_15d',
        projections: views.map(({ name, features }) => ({
          view: name,
          features: features.map((feature) => feature.name),
        })),
        tags,
      },
    ],
    pushSources: [STATE_PUSH],
  }
}

/** Training and serving rows must be equal to the bit, hence DOUBLE throughout. */
function featuresOf(contract: Contract, view: ViewName): Feature[] {
  return contract.definition.features
    .filter((feature) => feature.view === view)
    .map(({ name }) => ({ name, valueType: 'DOUBLE' }))
}

/** Where the materializer seals a view's rows, one file a session or month. */
function historyOf(view: ViewName): BatchSource {
  return {
    name: `${view}_history`,
    kind: 'BATCH_FILE',
    path: `../.usdcop/offline/${view}`,
    timestampField: 'event_timestamp',
    createdTimestampField: 'created_timestamp',
    tags: {},
  }
}

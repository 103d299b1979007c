import type { Definitions, Registry } from '@usdcop/feast/registry/definitions'
import { createRegistry } from '@usdcop/feast/registry/registry'
import type { OnlineStore } from '@usdcop/feast/stores/online-store'
import { entityKey } from '@usdcop/feast/wire/entity-key'

export const PROJECT = 'feature_server_bench'
/** The views of Feast's benchmark; more are there only to make the registry larger. */
export const VIEWS = 25
const FEATURES_A_VIEW = 10
const IDS = 10_000

export interface Shape {
  readonly rows: number
  readonly features: number
}

export const nameOf = ({ rows, features }: Shape): string => `${rows}×${features}`

export const workload = (views: number = VIEWS): Registry => createRegistry(definitions(views))

/** What workload.py defines, with so many views; services of more features than there are come without. */
export function definitions(views: number): Definitions {
  const names = Array.from({ length: views }, (_, view) => `feature_view_${view}`)
  const features = names.map((_, view) =>
    Array.from({ length: FEATURES_A_VIEW }, (__, i) => `feature_${FEATURES_A_VIEW * view + i}`),
  )
  const projections = names.map((view, i) => ({ view, features: features[i] ?? [] }))
  return {
    project: PROJECT,
    entities: [{ name: 'entity', joinKey: 'entity', valueType: 'INT64', tags: {} }],
    views: projections.map(({ view, features: own }) => ({
      name: view,
      entities: ['entity'],
      features: own.map((name) => ({ name, valueType: 'INT64' as const })),
      ttlMs: 3 * 86_400_000,
      pushSource: undefined,
      tags: {},
    })),
    services: [50, 100, 150, 200, 250].map((count) => ({
      name: `feature_service_${count}`,
      projections: projections.slice(0, count / FEATURES_A_VIEW),
      tags: {},
    })),
    pushSources: [],
    onDemandViews: [],
  }
}

/** Distinct requests, ids drawn uniformly: the same ones at every call. */
export function bodies({ rows, features }: Shape, count = 1_000): readonly string[] {
  const draw = randomInt(rows)
  const head = `{"feature_service":"feature_service_${features}","entities":{"entity":[`
  return Array.from(
    { length: count },
    () => `${head}${Array.from({ length: rows }, () => draw(IDS)).join(',')}]}}`,
  )
}

/** The rows as workload.py has Feast write them, for where Feast is not installed. */
export async function writeRows(
  store: OnlineStore,
  registry: Registry,
  eventTimestamp: number,
  signal: AbortSignal,
): Promise<void> {
  const draw = randomInt(1)
  const ids = [...new Set(Array.from({ length: IDS }, () => 1 + draw(IDS - 1)))]
  for (const { name, features } of registry.views.values())
    for (let from = 0; from < ids.length; from += 1_000) {
      const rows = ids.slice(from, from + 1_000).map((id) => ({
        entityKey: entityKey([['entity', { type: 'INT64', value: BigInt(id) }]]),
        eventTimestamp,
        values: new Map(
          features.map((one) => [
            one.name,
            { type: 'INT64', value: BigInt(draw(2 ** 31)) } as const,
          ]),
        ),
      }))
      await store.write(name, rows, signal)
    }
}

/** mulberry32: small, even enough, and the same on every run. */
function randomInt(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

import type { RedisConfig } from '@usdcop/feast/config/repo-config'
import { createRegistry as createDefinitions } from '@usdcop/feast/registry/registry'
import { openOnlineStore } from '@usdcop/feast/stores/open-store'
import { buildApp } from '@usdcop/feature-server/app'
import { DEFAULT_LIMITS } from '@usdcop/feature-server/limits'
import { createKeyring, digestOf } from '@usdcop/service/auth'
import { createLogger } from '@usdcop/service/log'
import { createRegistry } from '@usdcop/service/metrics'
import { expect } from 'vitest'
import { seededRandom } from './seeded-random.ts'

const TOKEN = 'writer-token'
const ENTITIES = 200
const ROWS = 5
const READERS = 6
const FEATURES = ['event', 'entity', 'product'] as const

const registry = createDefinitions({
  project: 'faults',
  entities: [{ name: 'id', joinKey: 'id', valueType: 'INT64', tags: {} }],
  views: [
    {
      name: 'v',
      entities: ['id'],
      features: FEATURES.map((name) => ({ name, valueType: 'INT64' as const })),
      ttlMs: 0,
      pushSource: 'source',
      tags: {},
    },
  ],
  services: [],
  pushSources: [{ name: 'source', timestampField: 'at' }],
})

export type Kind = 'read' | 'write'

/** One request as its caller saw it. */
export interface Answer {
  readonly kind: Kind
  readonly status: number
  readonly ms: number
  readonly endedAt: number
}

export interface Load extends AsyncDisposable {
  /** From now on: answers, whenever it is called, all those to requests that began after the mark. */
  mark(): () => readonly Answer[]
}

/**
 * The feature server over a Redis, with readers and a writer who never stop asking. Each value read is
 * held against the entity and the event that it is of.
 */
export async function startLoad(config: RedisConfig, lane: boolean, seed: number): Promise<Load> {
  const store = openOnlineStore(config, registry.project, { onError: () => {}, lane })
  const app = buildApp({
    logger: createLogger({ name: 'faults', level: 'silent' }),
    metrics: createRegistry('faults'),
    registry: { current: registry },
    store,
    clock: { now: () => Date.now() },
    serving: 'mark',
    keyring: createKeyring([{ name: 'writer', role: 'writer', sha256: digestOf(TOKEN) }]),
    bindHost: '127.0.0.1',
    // A busy machine that runs tests is no reason to refuse.
    limits: { ...DEFAULT_LIMITS, eventLoopDelayMs: 0 },
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const random = seededRandom(seed)
  const answers: (Answer & { readonly startedAt: number })[] = []
  let running = true
  let event = 0

  const ask = async (kind: Kind, path: string, body: unknown): Promise<Response> => {
    const startedAt = performance.now()
    const reply = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const text = await reply.text()
    const endedAt = performance.now()
    answers.push({ kind, status: reply.status, ms: endedAt - startedAt, startedAt, endedAt })
    return new Response(text, { status: reply.status })
  }
  const someIds = () => Array.from({ length: ROWS }, () => Math.floor(random() * ENTITIES))

  const read = async () => {
    while (running) {
      const ids = someIds()
      const features = FEATURES.map((name) => `v:${name}`)
      const reply = await ask('read', '/get-online-features', { features, entities: { id: ids } })
      if (reply.status === 200) expectRight(ids, (await reply.json()) as Features)
    }
  }
  const write = async () => {
    while (running) {
      event += 1
      const ids = [...new Set(someIds())]
      const at = ids.map(() => new Date(1_700_000_000_000 + event).toISOString())
      const products = ids.map((id) => id * event)
      const df = { id: ids, at, event: ids.map(() => event), entity: ids, product: products }
      await ask('write', '/push', { push_source_name: 'source', df, to: 'online' })
    }
  }
  const loops = Promise.all([write(), ...Array.from({ length: READERS }, read)])
  // Whoever waits for answers must hear of a wrong one: it ends the loops.
  let wrong: Error | undefined
  loops.catch((error: Error) => {
    wrong = error
    running = false
  })
  return {
    mark() {
      const from = performance.now()
      return () => {
        if (wrong !== undefined) throw wrong
        return answers.filter(({ startedAt }) => startedAt >= from)
      }
    },
    async [Symbol.asyncDispose]() {
      running = false
      try {
        await loops
      } finally {
        await app.close()
        await store.close()
      }
    },
  }
}

interface Features {
  readonly metadata: { readonly feature_names: readonly string[] }
  readonly results: readonly { readonly values: readonly (number | null)[] }[]
}

/** A row is wholly there or wholly not, and of the entity that was asked for. */
function expectRight(ids: readonly number[], { metadata, results }: Features): void {
  const column = (name: string) => results[metadata.feature_names.indexOf(name)]?.values
  expect(column('id')).toEqual(ids)
  for (const [row, id] of ids.entries()) {
    const [event, entity, product] = FEATURES.map((name) => column(name)?.[row])
    if (event === null) expect([entity, product]).toEqual([null, null])
    else expect([entity, product]).toEqual([id, id * Number(event)])
  }
}

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Registry } from '@usdcop/feast/registry/definitions'
import type { Serving } from '@usdcop/feast/serving/ttl'
import { openLmdbStore } from '@usdcop/feast/stores/lmdb-store'
import type { OnlineStore } from '@usdcop/feast/stores/online-store'
import { createKeyring, digestOf, type Keyring } from '@usdcop/service/auth'
import { createLogger, type Logger } from '@usdcop/service/log'
import { createRegistry } from '@usdcop/service/metrics'
import type { FastifyInstance } from 'fastify'
import { buildApp, type Deps } from '../src/app.ts'
import { DEFAULT_LIMITS } from '../src/limits.ts'

export const TOKENS = { reader: 'reader-token', writer: 'writer-token' }

const keyring = createKeyring(
  (['reader', 'writer'] as const).map((role) => ({
    name: role,
    role,
    sha256: digestOf(TOKENS[role]),
  })),
)

export interface Options {
  readonly registry: Registry
  readonly store: OnlineStore
  readonly serving?: Serving
  /** Domain time, epoch milliseconds. */
  readonly now?: number
  readonly bindHost?: string
  /** Silent unless given. */
  readonly logger?: Logger
  readonly keyring?: Keyring
  readonly limits?: Partial<Deps['limits']>
  readonly readToken?: Deps['readToken']
  readonly materializer?: Deps['materializer']
  readonly offlineWriter?: Deps['offlineWriter']
}

/** The defaults, but for the event loop: a busy machine that runs tests is no reason to refuse. */
const LIMITS = { ...DEFAULT_LIMITS, eventLoopDelayMs: 0 }

export function testApp({
  registry,
  store,
  serving,
  now,
  bindHost,
  logger,
  limits,
  ...rest
}: Options): FastifyInstance {
  return buildApp({
    logger: logger ?? createLogger({ name: 'feature-server', level: 'silent' }),
    metrics: createRegistry('feature-server'),
    registry: { current: registry },
    store,
    clock: { now: () => now ?? 0 },
    serving: serving ?? 'mark',
    keyring,
    bindHost: bindHost ?? '127.0.0.1',
    limits: { ...LIMITS, ...limits },
    ...rest,
  })
}

/** An LMDB store in a folder that goes with it. */
export function temporaryStore(project: string): OnlineStore & AsyncDisposable {
  const directory = mkdtempSync(join(tmpdir(), 'usdcop-online-'))
  const store = openLmdbStore(directory, project)
  return {
    ...store,
    async [Symbol.asyncDispose]() {
      await store.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

export function pushOf(body: unknown, token: string | undefined = TOKENS.writer) {
  const headers = {
    'content-type': 'application/json',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
  return { method: 'POST', url: '/push', headers, payload: JSON.stringify(body) } as const
}

export function askOf(body: unknown) {
  return {
    method: 'POST',
    url: '/get-online-features',
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify(body),
  } as const
}

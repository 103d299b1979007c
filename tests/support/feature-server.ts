import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Registry } from '@usdcop/feast/registry/definitions'
import { openLmdbStore } from '@usdcop/feast/stores/lmdb-store'
import type { OnlineStore } from '@usdcop/feast/stores/online-store'
import { buildApp, type Deps } from '@usdcop/feature-server/app'
import { DEFAULT_LIMITS } from '@usdcop/feature-server/limits'
import { createKeyring, digestOf } from '@usdcop/service/auth'
import { createLogger } from '@usdcop/service/log'
import { createRegistry } from '@usdcop/service/metrics'

export const TOKENS = { reader: 'reader-token', writer: 'writer-token' }

export interface RunningFeatureServer extends AsyncDisposable {
  readonly url: string
  readonly store: OnlineStore
}

/** Our feature server on a free port of loopback, over an embedded store that goes with it. */
export async function startFeatureServer(
  registry: Registry,
  options: Partial<Deps> = {},
): Promise<RunningFeatureServer> {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-feature-server-'))
  const store = openLmdbStore(folder, registry.project)
  const roles = ['reader', 'writer'] as const
  const app = buildApp({
    logger: createLogger({ name: 'feature-server', level: 'silent' }),
    metrics: createRegistry('feature-server'),
    registry: { current: registry },
    store,
    clock: { now: () => 0 },
    serving: 'mark',
    keyring: createKeyring(
      roles.map((role) => ({ name: role, role, sha256: digestOf(TOKENS[role]) })),
    ),
    bindHost: '127.0.0.1',
    // A busy machine that runs tests is no reason to refuse.
    limits: { ...DEFAULT_LIMITS, eventLoopDelayMs: 0 },
    ...options,
  })
  return {
    url: await app.listen({ host: '127.0.0.1', port: 0 }),
    store,
    async [Symbol.asyncDispose]() {
      await app.close()
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
}

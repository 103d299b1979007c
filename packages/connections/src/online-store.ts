import { join } from 'node:path'
import { openLmdbStore } from '@usdcop/feast/stores/lmdb-store'
import type { OnlineStore } from '@usdcop/feast/stores/online-store'
import { isRefused, type RedisSignIn, type RedisUser } from '@usdcop/feast/stores/redis-sign-in'
import { connectRedis, createRedisStore } from '@usdcop/feast/stores/redis-store'
import { ServiceError } from '@usdcop/service/errors'
import type { Lifecycle } from '@usdcop/service/lifecycle'
import type { Logger } from '@usdcop/service/log'
import type { KvSecret } from '@usdcop/vault/kv'
import type { Vault } from './vault.ts'

export interface OnlineStoreSettings {
  /** Undefined is LMDB in a folder of the data directory. */
  readonly redisUrl: string | undefined
  /** Path of the secret with `user` and `password`; `redisUrl` then holds none. */
  readonly redisSecret: string | undefined
  readonly dataDirectory: string
}

export interface OnlineStoreParts {
  readonly project: string
  readonly vault: Vault | undefined
  readonly life: Lifecycle
  readonly logger: Logger
}

/** The online store that a configuration names. A Redis need not be there yet. */
export async function openOnlineStore(
  { redisUrl, redisSecret, dataDirectory }: OnlineStoreSettings,
  { project, vault, life, logger }: OnlineStoreParts,
): Promise<OnlineStore> {
  if (redisUrl === undefined) {
    const store = openLmdbStore(join(dataDirectory, 'online'), project)
    life.onClose('online store', () => store.close())
    return store
  }
  const signIn =
    redisSecret === undefined || vault === undefined
      ? undefined
      : await openSignIn(vault, redisSecret, logger)
  const client = connectRedis(redisUrl, (err) => logger.warn({ err }, 'redis'), signIn)
  life.onClose('redis', () => client.disconnect())
  return createRedisStore(client, project, {
    onLaneError(err) {
      logger.warn({ err }, 'the read lane to redis')
      if (isRefused(err)) void signIn?.renew()
    },
  })
}

/** A refused password is asked for again once a second at most, however many connections it is refused to. */
const RENEW_EVERY_MS = 1_000

async function openSignIn(vault: Vault, path: string, logger: Logger): Promise<RedisSignIn> {
  let current: RedisUser | undefined
  let renewedAt = -Infinity
  const watched = await vault.watch(path, (news) => {
    // Whoever may no longer read it is let in by Redis for as long as Redis says.
    if (news.kind === 'withdrawn') return
    const user = userOf(news.secret)
    if (user === undefined) return logger.error({ path }, 'a secret has no field password')
    if (current !== undefined) logger.info({ path }, 'new connections use another password')
    current = user
  })
  if (current === undefined)
    throw new ServiceError('config_invalid', `${path} has no field password`)
  const first: RedisUser = current
  // Whoever asks waits for the read alone, which has a limit of its own and does not fail.
  const { signal } = new AbortController()
  return {
    current: () => current ?? first,
    async renew() {
      if (performance.now() - renewedAt < RENEW_EVERY_MS) return
      renewedAt = performance.now()
      await watched.refresh(signal)
    },
  }
}

function userOf({ fields }: KvSecret): RedisUser | undefined {
  const password = fields.get('password')
  return password && { user: fields.get('user')?.reveal() ?? 'default', password }
}

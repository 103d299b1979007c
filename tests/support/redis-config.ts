import type { RedisConfig } from '@usdcop/feast/config/repo-config'

interface Address {
  readonly host: string
  readonly port: number
}

/** What `feature_store.yaml` would say of Redis at these nodes: no password, and whatever is to differ. */
export function redisConfig(
  nodes: readonly Address[],
  rest: Partial<RedisConfig> = {},
): RedisConfig {
  return {
    type: 'redis',
    redisType: 'redis',
    nodes: nodes.map(({ host, port }) => ({ host, port })),
    sentinelMaster: 'mymaster',
    username: undefined,
    password: undefined,
    database: 0,
    tls: false,
    keyTtlSeconds: undefined,
    skipDedup: false,
    ...rest,
  }
}

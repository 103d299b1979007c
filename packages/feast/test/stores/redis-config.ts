import type { RedisConfig } from '../../src/config/repo-config.ts'

/** A Redis without a password at the given nodes, and whatever is to differ. */
export function redisConfig(
  nodes: readonly { readonly host: string; readonly port: number }[],
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

import { redisCli } from './redis-cluster.ts'
import { type RedisNode, startRedisNode } from './redis-node.ts'
import { until } from './until.ts'

export interface WatchedRedis extends AsyncDisposable {
  readonly master: RedisNode
  readonly replica: RedisNode
  readonly sentinels: readonly RedisNode[]
}

export const SENTINEL_MASTER = 'features'

/** A master, its replica and three sentinels that fail over within about a second. */
export async function startWatchedRedis(password?: string): Promise<WatchedRedis> {
  await using stack = new AsyncDisposableStack()
  const guarded =
    password === undefined ? [] : ['--requirepass', password, '--masterauth', password]
  const options = ['--repl-diskless-sync-delay', '0', ...guarded]
  const master = stack.use(await startRedisNode({ options }))
  const follow = ['--replicaof', `${master.host} ${master.port}`]
  const replica = stack.use(await startRedisNode({ options: [...options, ...follow] }))
  const configuration = `
sentinel monitor ${SENTINEL_MASTER} ${master.host} ${master.port} 2
sentinel down-after-milliseconds ${SENTINEL_MASTER} 1000
sentinel failover-timeout ${SENTINEL_MASTER} 5000
${password === undefined ? '' : `sentinel auth-pass ${SENTINEL_MASTER} ${password}`}
`
  const sentinels: RedisNode[] = []
  for (let index = 0; index < 3; index++)
    sentinels.push(stack.use(await startRedisNode({ configuration, options: ['--sentinel'] })))
  const complete = async (sentinel: RedisNode) => {
    const state = await redisCli(sentinel, 'sentinel', 'master', SENTINEL_MASTER)
    return /num-slaves\n1\nnum-other-sentinels\n2\n/.test(state)
  }
  for (const sentinel of sentinels) await until(() => complete(sentinel), 'the sentinels know all')
  const started = stack.move()
  return { master, replica, sentinels, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

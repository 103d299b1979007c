import { expect, test } from 'vitest'
import { redisCli, startRedisCluster } from '../support/redis-cluster.ts'
import { redisConfig } from '../support/redis-config.ts'
import { type RedisNode, startRedisNode } from '../support/redis-node.ts'
import { SENTINEL_MASTER, startWatchedRedis } from '../support/redis-sentinel.ts'
import { until } from '../support/until.ts'
import { type Kind, type Load, startLoad } from './online-store-load.ts'

/** What a caller waits at most for a store that says nothing, and some time for a busy machine. */
const DEADLINE_MS = 3_000
const RECOVERY_MS = 2_000
const AS_PROMISED = { statuses: [200, 503], inTime: true, backInTime: true }
const EVERY: readonly Kind[] = ['read', 'write']

interface Fault {
  /** Starts it; resolves when it is in force. */
  readonly strike: () => Promise<void>
  /** Ends it; resolves when the store is back, as far as the store itself can tell. */
  readonly mend: () => Promise<void>
  /** What fails meanwhile; whatever else is asked may go on. */
  readonly failing?: readonly Kind[]
}

/** Tests each fault of a Redis under load, `times` over, reading through the lane or without it. */
export function testFaults(lane: boolean, times: number, seed: number): void {
  const path = `${lane ? 'read lane' : 'plain ioredis'}, seed ${seed}`

  test(`killed, stalled and full: 503 in time, back within two seconds (${path})`, async () => {
    await using redis = await startRedisNode()
    await using load = await startLoad(redisConfig([redis]), lane, seed)
    for (let round = 0; round < times; round++) {
      const killed = { strike: () => redis.kill(), mend: () => redis.up() }
      expect(await ride(load, 'killed', killed)).toEqual(AS_PROMISED)
      const stalled: Fault = {
        strike: async () => redis.signal('SIGSTOP'),
        mend: async () => redis.signal('SIGCONT'),
      }
      expect(await ride(load, 'stalled', stalled)).toEqual(AS_PROMISED)
      const limit = (bytes: string) => redisCli(redis, 'config', 'set', 'maxmemory', bytes)
      const full: Fault = {
        strike: async () => void (await limit('1')),
        mend: async () => void (await limit('0')),
        failing: ['write'],
      }
      expect(await ride(load, 'full', full)).toEqual(AS_PROMISED)
    }
  })

  test(`failing over by Sentinel: 503 in time, back within two seconds (${path})`, async () => {
    await using redis = await startWatchedRedis()
    const config = redisConfig(redis.sentinels, {
      redisType: 'redis_sentinel',
      sentinelMaster: SENTINEL_MASTER,
    })
    await using load = await startLoad(config, lane, seed)
    const promoted = async () => (await redisCli(redis.replica, 'role')).startsWith('master')
    const told = async () => {
      const [sentinel] = redis.sentinels
      if (sentinel === undefined) return false
      const command = ['sentinel', 'get-master-addr-by-name', SENTINEL_MASTER]
      return (await redisCli(sentinel, ...command)).includes(String(redis.replica.port))
    }
    const failover: Fault = {
      strike: () => redis.master.kill(),
      async mend() {
        await until(promoted, 'the replica is master')
        await until(told, 'the sentinel tells the new master')
      },
    }
    expect(await ride(load, 'failing over by Sentinel', failover)).toEqual(AS_PROMISED)
  })

  test(`failing over in a cluster: 503 in time, back within two seconds (${path})`, async () => {
    await using cluster = await startRedisCluster()
    const [first, ...others] = cluster.nodes
    if (first === undefined) throw new Error('no nodes')
    const config = redisConfig(cluster.nodes, { redisType: 'redis_cluster' })
    await using load = await startLoad(config, lane, seed)
    // For a second nobody misses the one that died: it still counts as a master then.
    const whole = async (node: RedisNode) => {
      const nodes = (await redisCli(node, 'cluster', 'nodes')).split('\n')
      const alive = nodes.filter((line) => line.includes('master') && !line.includes('fail'))
      const info = await redisCli(node, 'cluster', 'info')
      const replaced = !alive.some((line) => line.includes(`:${first.port}@`))
      return replaced && alive.length === 3 && info.includes('cluster_state:ok')
    }
    const failover: Fault = {
      strike: () => first.kill(),
      async mend() {
        for (const node of others) await until(() => whole(node), 'a replica is master to all')
      },
    }
    expect(await ride(load, 'failing over in a cluster', failover)).toEqual(AS_PROMISED)
  })
}

/** From calm through a fault to calm again; the load itself checks every value. */
async function ride(
  load: Load,
  name: string,
  { strike, mend, failing = EVERY }: Fault,
): Promise<typeof AS_PROMISED> {
  const polling = { timeout: 30_000, interval: 20 }
  await calm(load)

  const ridden = load.mark()
  await strike()
  const struck = load.mark()
  const refused = (kind: Kind) =>
    struck().filter((answer) => answer.kind === kind && answer.status === 503).length
  for (const kind of failing) await expect.poll(() => refused(kind), polling).toBeGreaterThan(0)
  const others = EVERY.filter((kind) => !failing.includes(kind))
  for (const kind of others) {
    const asked = () => struck().filter((answer) => answer.kind === kind)
    await expect.poll(() => asked().length, polling).toBeGreaterThan(3)
    expect(new Set(asked().map(({ status }) => status))).toEqual(new Set([200]))
  }

  await mend()
  const mendedAt = performance.now()
  const back = load.mark()
  const recovery = (kind: Kind) => {
    const ok = back().find((answer) => answer.kind === kind && answer.status === 200)
    return ok === undefined ? Number.POSITIVE_INFINITY : ok.endedAt - mendedAt
  }
  const took: number[] = []
  for (const kind of EVERY) {
    await expect.poll(() => recovery(kind), polling).toBeLessThan(Number.POSITIVE_INFINITY)
    took.push(recovery(kind))
  }
  await calm(load)

  const answers = ridden()
  const slowest = Math.max(...answers.map(({ ms }) => ms))
  process.stdout.write(
    `${name}: ${answers.length} answers, slowest ${slowest.toFixed(0)} ms, ` +
      `back after ${took.map((ms) => ms.toFixed(0)).join(' and ')} ms\n`,
  )
  return {
    statuses: [...new Set(answers.map(({ status }) => status))].toSorted((a, b) => a - b),
    inTime: slowest < DEADLINE_MS,
    backInTime: took.every((ms) => ms < RECOVERY_MS),
  }
}

/** Until both readers and writer have been answered well for a while, and nobody badly. */
async function calm(load: Load): Promise<void> {
  const settled = async () => {
    const answers = load.mark()
    await until(
      async () => EVERY.every((kind) => answers().filter((one) => one.kind === kind).length > 10),
      'readers and writer are answered',
    )
    return answers().every(({ status }) => status === 200)
  }
  await until(settled, 'the load is calm')
}

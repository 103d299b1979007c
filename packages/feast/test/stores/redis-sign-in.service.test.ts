import { setTimeout as sleep } from 'node:timers/promises'
import { type RedisNode, startRedisNode } from '@usdcop/tests/support/redis-node'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { isRefused, type RedisSignIn, type RedisUser } from '../../src/stores/redis-sign-in.ts'
import { connectRedis, createRedisStore } from '../../src/stores/redis-store.ts'
import type { Value } from '../../src/wire/value.ts'

const ROTATIONS = 100
const USER = 'usdcop'
const signal = AbortSignal.timeout(120_000)

let node: RedisNode
let admin: Redis
beforeAll(async () => {
  node = await startRedisNode()
  admin = new Redis(node.url)
})
afterAll(async () => {
  admin.disconnect()
  await node[Symbol.asyncDispose]()
})

const hidden = (text: string) => ({ reveal: () => text })
const allow = (...rules: readonly string[]) => admin.acl('SETUSER', USER, ...rules)

/** A store that signs in as somebody who knows the newest password when asked for it. */
async function setUp(first: string) {
  await allow('reset', 'on', `>${first}`, '~*', '+@all', '-@admin')
  let newest: RedisUser = { user: USER, password: hidden(first) }
  let known = newest
  const counts = { renewals: 0 }
  const signIn: RedisSignIn = {
    current: () => known,
    async renew() {
      counts.renewals += 1
      known = newest
    },
  }
  const errors: Error[] = []
  const laneErrors: Error[] = []
  const client = connectRedis(node.url, (error) => errors.push(error), signIn)
  onTestFinished(() => client.disconnect())
  const onLaneError = (error: Error) => {
    laneErrors.push(error)
    if (isRefused(error)) void signIn.renew()
  }
  const store = createRedisStore(client, 'sign_in', { onLaneError })
  await expect.poll(() => client.status).toBe('ready')
  const names = async () => String(await admin.client('LIST')).match(/user=usdcop/g)?.length ?? 0
  return {
    client,
    store,
    errors,
    laneErrors,
    counts,
    names,
    /** Writes down the newest; `tell` says whether the store's side has heard of it. */
    replace: (text: string, tell: boolean) => {
      newest = { user: USER, password: hidden(text) }
      if (tell) known = newest
    },
    cut: () => admin.client('KILL', 'USER', USER),
  }
}

const key = Buffer.from('entity')
const value: Value = { type: 'DOUBLE', value: 1.5 }

test(`${ROTATIONS} passwords one after the other under load: no read and no write fails`, async () => {
  const { store, replace, errors, laneErrors, client } = await setUp('first')
  const counts = { reads: 0, writes: 0 }
  const seen: unknown[] = []
  let ended = false
  const until = async (work: () => Promise<void>) => {
    while (!ended) await work()
  }
  let at = 0
  const load = [
    ...Array.from({ length: 4 }, () =>
      until(async () => {
        const reads = [{ view: 'v', features: ['f'], keys: [key] }]
        seen[0] = await store.read(reads, signal)
        counts.reads += 1
      }),
    ),
    until(async () => {
      at += 1
      const row = { entityKey: key, eventTimestamp: at, values: new Map([['f', value]]) }
      await store.write('v', [row], signal)
      counts.writes += 1
      await sleep(1)
    }),
  ]
  let current = 'first'
  for (let rotation = 0; rotation < ROTATIONS; rotation += 1) {
    const next = `password-${rotation}`
    await allow(`>${next}`)
    replace(next, true)
    await sleep(20)
    await allow(`<${current}`)
    current = next
  }
  ended = true
  await Promise.all(load)
  expect([errors, laneErrors]).toEqual([[], []])
  expect(client.status).toBe('ready')
  process.stdout.write(`${ROTATIONS} passwords: ${JSON.stringify(counts)}, 0 failed\n`)
})

test('a connection made after a change signs in with the newest, the read lane too', async () => {
  const { client, store, replace, errors, laneErrors, counts, names, cut } = await setUp('one')
  await expect.poll(names).toBe(2)
  await allow('resetpass', '>two')
  replace('two', true)
  await cut()
  await expect.poll(() => client.status).toBe('ready')
  await expect.poll(names).toBe(2)
  await store.ping(signal)
  expect(counts.renewals).toBe(0)
  expect([...errors, ...laneErrors].filter(isRefused)).toEqual([])
})

test('a refused password is asked for anew, and the next attempt made at once', async () => {
  const { client, store, replace, errors, counts, names, cut } = await setUp('one')
  // Once refused the client's own next attempt would come far behind the end of this test.
  client.options.retryStrategy = () => (errors.some(isRefused) ? 600_000 : 50)
  await allow('resetpass', '>two')
  replace('two', false)
  await cut()
  await expect.poll(names, { timeout: 10_000 }).toBe(2)
  await store.ping(signal)
  expect(counts.renewals).toBeGreaterThan(0)
  expect(errors.filter(isRefused).length).toBeLessThanOrEqual(2)
  expect(JSON.stringify(errors.map((error) => [error, error.stack]))).not.toMatch(/"one|two"/)
})

test('a password that nobody knows any more is waited for, without haste', async () => {
  const { client, replace, errors, cut } = await setUp('one')
  await allow('resetpass', '>two')
  await cut()
  await sleep(1_500)
  expect(client.status).not.toBe('ready')
  expect(errors.filter(isRefused).length).toBeLessThan(10)
  replace('two', false)
  await expect.poll(() => client.status, { timeout: 3_000 }).toBe('ready')
})

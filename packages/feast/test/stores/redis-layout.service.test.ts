import { once } from 'node:events'
import { goldenRegistry, readGolden } from '@usdcop/tests/support/feast-golden'
import { startRedis } from '@usdcop/tests/support/redis'
import { expect, test } from 'vitest'
import { featureField, timestampField } from '../../src/stores/redis-rows.ts'
import { connectRedis, createRedisStore } from '../../src/stores/redis-store.ts'
import { entityKeyParts } from '../../src/wire/entity-key-parts.ts'
import { decodeTimestamp } from '../../src/wire/timestamp.ts'
import { decodeValue, type Value } from '../../src/wire/value.ts'

const golden = readGolden()
const registry = goldenRegistry(golden)
const project = Buffer.from(golden.definitions.project)
const stored = [...registry.onDemandViews.values()].filter((view) => view.writeToOnlineStore)
/** Where Feast keeps the stored vectors of its services. */
const vectors = [...registry.services.values()]
  .filter(({ precomputeOnline }) => precomputeOnline === true)
  .map(({ name }) => ({ name: `__precomputed__${name}`, features: [{ name: 'vector' }] }))
const signal = AbortSignal.timeout(60_000)
const bytes = (text: string) => Buffer.from(text, 'hex')

test('leaves the very hashes in Redis that Feast leaves, and reads those of Feast', async () => {
  await using redis = await startRedis()
  const client = connectRedis(redis.url, () => {})
  await once(client, 'ready')
  const store = createRedisStore(client, registry.project)
  await client.del(golden.redisRows.map(({ key }) => bytes(key)))

  for (const { key, fields } of golden.redisRows) {
    const entityKey = bytes(key).subarray(0, -project.length)
    const written: [string, Map<string, Value>, number][] = []
    for (const view of [...registry.views.values(), ...stored, ...vectors]) {
      const time = fields[timestampField(view.name).toString('hex')]
      if (time === undefined) continue
      const values = new Map<string, Value>()
      for (const { name } of view.features) {
        const value = fields[featureField(view.name, name).toString('hex')]
        if (value !== undefined) values.set(name, decodeValue(bytes(value)))
      }
      const eventTimestamp = decodeTimestamp(bytes(time))
      await store.write(view.name, [{ entityKey, eventTimestamp, values }], signal)
      written.push([view.name, values, eventTimestamp])
    }
    const names = await client.hkeysBuffer(bytes(key))
    const hashes = await client.hmgetBuffer(bytes(key), ...names)
    const hex = names.map((name, index) => [name.toString('hex'), hashes[index]?.toString('hex')])
    expect(Object.fromEntries(hex)).toEqual(fields)

    // Feast's own bytes, put there by hand, read as what we wrote.
    await client.del(bytes(key))
    for (const [field, value] of Object.entries(fields))
      await client.hset(bytes(key), bytes(field), bytes(value))
    for (const [view, values, eventTimestamp] of written) {
      const features = [...values.keys()]
      const rows = await store.read([{ view, features, keys: [entityKey] }], signal)
      expect(rows).toEqual([[{ eventTimestamp, values: [...values.values()] }]])
    }
  }
  client.disconnect()
})

test('keeps rows of every kind of entity under the keys of Feast, and knows what those keys name', async () => {
  await using redis = await startRedis()
  const client = connectRedis(redis.url, () => {})
  await once(client, 'ready')
  const store = createRedisStore(client, registry.project)
  for (const { pairs, hex, redisKey } of golden.entityKeys) {
    await client.del(bytes(redisKey))
    const row = { entityKey: bytes(hex), eventTimestamp: 1_000, values: new Map([['f', null]]) }
    expect(await store.write('v', [row], signal)).toEqual(['written'])
    expect(await client.exists(bytes(redisKey))).toBe(1)
    const read = { view: 'v', features: ['f'], keys: [row.entityKey] }
    expect(await store.read([read], signal)).toEqual([[{ eventTimestamp: 1_000, values: [null] }]])
    const parts = entityKeyParts(bytes(redisKey))
    expect(parts?.end).toBe(row.entityKey.length)
    expect(parts?.joinKeys.toSorted()).toEqual(pairs.map(({ joinKey }) => joinKey).toSorted())
    await client.del(bytes(redisKey))
  }
  client.disconnect()
})

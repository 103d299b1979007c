import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readRegistryMessage, writeRegistryMessage } from '../../src/proto/registry-message.ts'
import { decodeRegistry } from '../../src/registry/registry-file.ts'

// tests/golden/feast_registry.py has Feast 0.67.0 write it.
const bytes = readFileSync(new URL('../../../../tests/golden/feast-registry.db', import.meta.url))
const shop = decodeRegistry(bytes, 'shop', { onlineVersioning: true })

test('entities of every type that a key may have', () => {
  const types = [...shop.entities.values()].map(({ joinKey, valueType }) => [joinKey, valueType])
  expect(Object.fromEntries(types)).toEqual({
    int32_id: 'INT32',
    int64_id: 'INT64',
    string_id: 'STRING',
    bytes_id: 'BYTES',
    unix_timestamp_id: 'UNIX_TIMESTAMP',
    driver_id: 'INT64',
  })
  expect(shop.entities.get('driver')).toMatchObject({
    tags: { team: 'a' },
    description: 'who drives',
    owner: 'ann',
  })
})

test('a view with all that it may carry, and its earlier version', () => {
  const view = shop.views.get('driver_stats')
  expect(view).toMatchObject({
    entities: ['driver'],
    ttlMs: 7_200_500,
    pushSource: 'driver_push',
    batchSource: {
      kind: 'BATCH_FILE',
      path: 'data/drivers.parquet',
      timestampField: 'event_timestamp',
      createdTimestampField: 'created',
      fieldMapping: { rate: 'conv_rate' },
    },
    intervals: [{ start: Date.UTC(2026, 0, 1), end: Date.UTC(2026, 0, 2) }],
    version: 1,
  })
  expect(view?.features[0]).toEqual({
    name: 'conv_rate',
    valueType: 'FLOAT',
    description: 'a share',
    tags: { unit: '1' },
  })
  const names = (of: typeof view) => of?.features.map(({ name }) => name)
  expect(names(view)).toEqual(['conv_rate', 'trips', 'days', 'city'])
  expect(names(view?.history?.get(0))).toEqual(['conv_rate', 'trips', 'days'])
})

test('views without an entity, or without online rows, and views of streams', () => {
  expect(shop.views.get('total')).toMatchObject({ entities: [], ttlMs: 0, online: false })
  expect(shop.views.get('streamed')).toMatchObject({
    entities: ['driver'],
    features: [{ name: 'last_seen', valueType: 'UNIX_TIMESTAMP' }],
  })
  expect(shop.batchSources.get('driver_stream')?.kind).toBe('STREAM_KAFKA')
  expect(shop.pushSources.get('driver_push')?.batchSource).toBe('driver_history')
})

test('views on demand, with what they ask for and their Python', () => {
  expect(shop.onDemandViews.get('in_python')).toMatchObject({
    mode: 'python',
    features: [{ name: 'trips_plus', valueType: 'INT64' }],
    projections: [{ view: 'driver_stats', features: ['conv_rate', 'trips', 'days'] }],
    requestSources: [{ name: 'asked', schema: [{ name: 'add', valueType: 'INT64' }] }],
    source: expect.stringContaining('def in_python'),
  })
  expect(shop.onDemandViews.get('in_pandas')?.mode).toBe('pandas')
})

test('a service with another name and another key for a view', () => {
  expect(shop.services.get('model')?.projections).toEqual([
    {
      view: 'driver_stats',
      features: ['conv_rate'],
      alias: 'stats',
      joinKeyMap: { driver_id: 'who' },
    },
    { view: 'in_python', features: ['trips_plus'] },
  ])
})

test('permissions by role and by group', () => {
  const [readers, writers] = shop.permissions
  expect(readers).toMatchObject({
    types: ['FeatureView', 'FeatureService'],
    namePatterns: ['driver_.*'],
    requiredTags: { team: 'a' },
    actions: ['DESCRIBE', 'READ_ONLINE'],
    roles: ['reader'],
    groups: [],
  })
  expect(writers).toMatchObject({ actions: ['WRITE_ONLINE'], roles: [], groups: ['data'] })
})

test('each project by itself', () => {
  const other = decodeRegistry(bytes, 'other', { onlineVersioning: true })
  expect(other.entities.get('driver')).toMatchObject({ joinKey: 'id', valueType: 'STRING' })
  expect(other.views.size).toBe(0)
})

test('what is read and written comes back whole, and what no schema names with it', () => {
  const unknown = Buffer.from('c2bb0103616263', 'hex')
  const before = readRegistryMessage(new Uint8Array(Buffer.concat([bytes, unknown])))
  const written = writeRegistryMessage(before)
  expect(Buffer.from(written).includes(unknown)).toBe(true)
  expect(readRegistryMessage(written)).toEqual(before)
})

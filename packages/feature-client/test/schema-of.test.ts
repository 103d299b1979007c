import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Definitions } from '@usdcop/feast/registry/definitions'
import { createRegistry } from '@usdcop/feast/registry/registry'
import { expect, onTestFinished, test } from 'vitest'
import type { FeatureSchema } from '../src/schema.ts'
import { schemaOf } from '../src/schema-of.ts'
import { schemaText } from '../src/schema-text.ts'

const source = { name: 'file', kind: 'BATCH_FILE', timestampField: 'happened', tags: {} }
const earlier = {
  name: 'stats',
  entities: ['driver'],
  features: [{ name: 'rate', valueType: 'FLOAT' as const }],
  ttlMs: 0,
  pushSource: undefined,
  tags: {},
}

const DEFINITIONS: Definitions = {
  project: '2nd_drivers',
  onlineVersioning: true,
  entities: [
    { name: 'driver', joinKey: 'driver_id', valueType: 'INT64', tags: {} },
    { name: 'city', joinKey: "ci'ty", valueType: 'STRING', tags: {} },
  ],
  views: [
    {
      ...earlier,
      features: [
        { name: 'rate', valueType: 'DOUBLE' },
        { name: 'a-b "\\\'', valueType: 'INT64_LIST' },
        { name: '__proto__', valueType: 'MAP' },
      ],
      version: 2,
      history: new Map([[1, earlier]]),
      pushSource: 'shared',
      batchSource: { ...source, createdTimestampField: 'made' },
    },
    {
      name: 'out_of_use',
      entities: ['driver', 'city'],
      features: [{ name: 'seen', valueType: 'UNIX_TIMESTAMP' }],
      ttlMs: 0,
      disabled: true,
      pushSource: 'shared',
      tags: {},
    },
    {
      name: 'weather',
      entities: [],
      features: [{ name: 'rain', valueType: 'BOOL' }],
      ttlMs: 0,
      pushSource: undefined,
      tags: {},
    },
  ],
  onDemandViews: [
    {
      name: 'computed',
      features: [{ name: 'score', valueType: 'DOUBLE' }],
      projections: [{ view: 'stats', features: ['rate'] }],
      requestSources: [{ name: 'asked', schema: [{ name: 'bonus', valueType: 'DOUBLE' }] }],
      mode: 'python',
      tags: {},
    },
  ],
  services: [
    {
      name: 'model',
      projections: [
        { view: 'stats', features: ['rate'], alias: 'mine', joinKeyMap: { driver_id: 'me' } },
        { view: 'stats', features: ['rate'], version: 1 },
        { view: 'computed', features: ['score'] },
      ],
      tags: {},
    },
  ],
  pushSources: [
    { name: 'shared', timestampField: 'at' },
    { name: 'of_no_view', timestampField: 'at' },
  ],
}

const schema = schemaOf(createRegistry(DEFINITIONS))

test('has of a registry what a client must know', () => {
  const rate = { rate: 'DOUBLE' }
  const features = Object.fromEntries([
    ['rate', 'DOUBLE'],
    ['a-b "\\\'', 'INT64_LIST'],
    ['__proto__', 'MAP'],
  ])
  expect(schema).toEqual({
    project: '2nd_drivers',
    views: {
      stats: { entities: { driver_id: 'INT64' }, features, timestampField: 'happened' },
      out_of_use: {
        entities: { driver_id: 'INT64', "ci'ty": 'STRING' },
        features: { seen: 'UNIX_TIMESTAMP' },
        timestampField: 'at',
      },
      weather: { entities: {}, features: { rain: 'BOOL' }, timestampField: 'event_timestamp' },
      computed: {
        entities: { driver_id: 'INT64', bonus: 'DOUBLE' },
        features: { score: 'DOUBLE' },
      },
    },
    services: {
      model: {
        entities: { me: 'INT64', driver_id: 'INT64', bonus: 'DOUBLE' },
        features: { mine: rate, 'stats@v1': { rate: 'FLOAT' }, computed: { score: 'DOUBLE' } },
      },
    },
    pushSources: {
      shared: {
        entities: { driver_id: 'INT64', "ci'ty": 'STRING' },
        features: { ...features, seen: 'UNIX_TIMESTAMP' },
        timestampField: 'at',
        createdTimestampField: 'made',
      },
    },
  })
})

test('is written as a module that says the same, whatever the names are', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-client-types-'))
  onTestFinished(async () => await rm(folder, { recursive: true }))
  const file = join(folder, 'client-types.ts')
  const text = schemaText(schema)
  await writeFile(file, text)
  const module = (await import(pathToFileURL(file).href)) as Record<string, FeatureSchema>
  expect(module['project2ndDriversFeatures']).toEqual(schema)
  expect(
    Object.keys(module['project2ndDriversFeatures']?.views['stats']?.features ?? {}),
  ).toContain('__proto__')
  expect(text).toContain(
    'export type Project2ndDriversFeatures = typeof project2ndDriversFeatures\n',
  )
})

import type { Definitions } from '../../src/registry/definitions.ts'

export const history = {
  name: 'history',
  kind: 'BATCH_FILE',
  path: 'history.parquet',
  timestampField: 'happened',
  createdTimestampField: 'made',
  fieldMapping: { rate: 'conv_rate' },
  tags: {},
}

/** A small project with a little of everything that is applied here. */
export const shop = (project = 'shop'): Definitions => ({
  project,
  entities: [{ name: 'customer', joinKey: 'id', valueType: 'INT64', tags: { team: 'a' } }],
  views: [
    {
      name: 'stats',
      entities: ['customer'],
      features: [{ name: 'conv_rate', valueType: 'DOUBLE', description: 'a share' }],
      ttlMs: 1_500,
      pushSource: 'push',
      batchSource: history,
      tags: { meta: 'a tag' },
      owner: 'ann',
    },
    {
      name: 'nobody',
      entities: [],
      features: [{ name: 'total', valueType: 'INT64_LIST' }],
      ttlMs: 0,
      pushSource: undefined,
      batchSource: history,
      online: false,
      disabled: true,
      tags: {},
    },
  ],
  services: [
    {
      name: 'model',
      projections: [
        { view: 'stats', features: ['conv_rate'], alias: 'other', joinKeyMap: { id: 'buyer' } },
      ],
      tags: {},
    },
  ],
  pushSources: [{ name: 'push', timestampField: 'happened', batchSource: 'history', tags: {} }],
  permissions: [
    {
      name: 'readers',
      types: ['FeatureView', 'OnDemandFeatureView'],
      namePatterns: ['st.*'],
      requiredTags: { team: 'a' },
      actions: ['READ_ONLINE'],
      roles: ['reader'],
      groups: [],
      tags: {},
    },
  ],
})

export const fieldsOf = (...names: string[]) =>
  names.map((name) => ({ name, valueType: 'DOUBLE' as const }))

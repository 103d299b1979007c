/** A `features.ts` of one view over the history of the repository beside it. */
export const TYPED = `export const definitions = {
  project: 'typed',
  entities: [{ name: 'driver', joinKey: 'driver_id', valueType: 'INT64', tags: {} }],
  views: [
    {
      name: 'typed_stats',
      entities: ['driver'],
      features: [{ name: 'trips', valueType: 'INT64' }],
      ttlMs: 0,
      pushSource: undefined,
      batchSource: {
        name: 'typed_history',
        kind: 'BATCH_FILE',
        path: '../drivers/data/history.parquet',
        timestampField: 'happened',
        tags: {},
      },
      tags: {},
    },
  ],
  services: [{ name: 'all', projections: [{ view: 'typed_stats', features: ['trips'] }], tags: {} }],
  pushSources: [],
}
`

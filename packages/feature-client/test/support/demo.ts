import type { FeatureSchema } from '../../src/schema.ts'

export const DEMO = {
  project: 'demo',
  views: {
    stats: {
      entities: { driver_id: 'INT64' },
      features: { rate: 'DOUBLE', trips: 'INT64' },
      timestampField: 'at',
    },
  },
  services: {
    model: {
      entities: { driver_id: 'INT64' },
      features: { stats: { rate: 'DOUBLE', trips: 'INT64' } },
    },
  },
  pushSources: {
    stats_push: {
      entities: { driver_id: 'INT64' },
      features: { rate: 'DOUBLE', trips: 'INT64' },
      timestampField: 'at',
    },
  },
} as const satisfies FeatureSchema

const times = ['2025-03-03T15:30:00.250001Z']

/** Feast's answer about one driver. */
export const REPLY = {
  metadata: { feature_names: ['driver_id', 'trips', 'rate'] },
  results: [
    { values: [1001], statuses: ['PRESENT'], event_timestamps: ['1970-01-01T00:00:00Z'] },
    { values: [7], statuses: ['OUTSIDE_MAX_AGE'], event_timestamps: times },
    { values: [0.5], statuses: ['PRESENT'], event_timestamps: times },
  ],
}
/** The same as the client tells it. */
export const ROW = {
  entities: { driver_id: 1001n },
  features: {
    rate: {
      value: 0.5,
      status: 'PRESENT',
      eventTimestamp: Date.UTC(2025, 2, 3, 15, 30, 0, 250) + 0.001,
    },
    trips: {
      value: 7n,
      status: 'OUTSIDE_MAX_AGE',
      eventTimestamp: Date.UTC(2025, 2, 3, 15, 30, 0, 250) + 0.001,
    },
  },
}
export const ASK = { featureService: 'model', entities: { driver_id: [1001n] } } as const

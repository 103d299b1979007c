import { type FeatureServer, post } from './http-call.ts'
import type { StateSink } from './source.ts'

const PATH = '/push'
const PUSH_SOURCE = 'state_push'

/** Pushes state_features through the feature server. */
export function createHttpStateSink(server: FeatureServer): StateSink {
  return {
    async push({ symbol, position, timeNormalized, eventTimestamp }, signal) {
      const df = {
        symbol: [symbol],
        position: [position],
        time_normalized: [timeNormalized],
        event_timestamp: [new Date(eventTimestamp).toISOString()],
      }
      await post(server, PATH, { push_source_name: PUSH_SOURCE, df, to: 'online' }, signal)
    },
  }
}

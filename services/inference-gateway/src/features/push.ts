import { type GatewayClient, orUnavailable } from './client.ts'
import type { StateSink } from './source.ts'

/** Pushes state_features through the feature server. */
export function createHttpStateSink(client: GatewayClient): StateSink {
  return {
    async push({ symbol, position, timeNormalized, eventTimestamp }, signal) {
      const row = {
        symbol,
        position,
        time_normalized: timeNormalized,
        event_timestamp: eventTimestamp,
      }
      await orUnavailable(client.push({ source: 'state_push', rows: [row] }, signal), signal)
    },
  }
}

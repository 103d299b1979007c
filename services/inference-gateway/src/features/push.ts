import { post } from './http-call.ts'
import type { FeatureServerOptions } from './http-source.ts'
import type { StateSink } from './source.ts'

const PUSH_SOURCE = 'state_push'

/** Pushes state_features through the feature server, which takes the bearer key `key`. */
export function createHttpStateSink(
  { url, deadlineMs }: FeatureServerOptions,
  key: string,
): StateSink {
  const endpoint = new URL('/push', url).href
  const headers = key === '' ? {} : { authorization: `Bearer ${key}` }
  return {
    async push({ symbol, position, timeNormalized, eventTimestamp }, signal) {
      const body = JSON.stringify({
        push_source_name: PUSH_SOURCE,
        df: {
          symbol: [symbol],
          position: [position],
          time_normalized: [timeNormalized],
          event_timestamp: [new Date(eventTimestamp).toISOString()],
        },
        to: 'online',
      })
      await post({ url: endpoint, headers, body, deadlineMs }, signal)
    },
  }
}

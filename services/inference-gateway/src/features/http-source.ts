import { ServiceError } from '@usdcop/service/errors'
import type { FeatureRef } from '../rules.ts'
import { post } from './http-call.ts'
import { parseReply, ReplyError } from './reply.ts'
import type { FeatureSource } from './source.ts'

export interface FeatureServerOptions {
  /** Base URL of the feature server. */
  readonly url: string
  readonly deadlineMs: number
}

/** Served beside every reply: the definition under which the rows were computed. */
const DEFINITION_HEADER = 'usdcop-definition-hash'

/** Features over Feast's HTTP API, whoever serves it. */
export function createHttpSource(
  { url, deadlineMs }: FeatureServerOptions,
  features: readonly FeatureRef[],
): FeatureSource {
  const endpoint = new URL('/get-online-features', url).href
  const refs = features.map(({ view, name }) => `${view}:${name}`)
  return {
    async read(symbol, signal) {
      const body = JSON.stringify({ features: refs, entities: { symbol: [symbol] } })
      const call = { url: endpoint, headers: {}, body, deadlineMs }
      const { headers, text } = await post(call, signal)
      try {
        return parseReply(JSON.parse(text), headers.get(DEFINITION_HEADER), features)
      } catch (error) {
        if (!(error instanceof ReplyError || error instanceof SyntaxError)) throw error
        throw new ServiceError('features_unavailable', `${endpoint} gave no usable answer`, {
          cause: error,
        })
      }
    },
  }
}

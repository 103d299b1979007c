import { ServiceError } from '@usdcop/service/errors'
import type { FeatureRef } from '../rules.ts'
import { type FeatureServer, type HttpAnswer, post } from './http-call.ts'
import { parseReply, ReplyError } from './reply.ts'
import type { FeatureSource } from './source.ts'

const PATH = '/get-online-features'
/** Served beside every reply: the definition under which the rows were computed. */
const DEFINITION_HEADER = 'usdcop-definition-hash'

/** Features over Feast's HTTP API, whoever serves it. */
export function createHttpSource(
  server: FeatureServer,
  features: readonly FeatureRef[],
): FeatureSource {
  const refs = features.map(({ view, name }) => `${view}:${name}`)
  return {
    async read(symbol, signal) {
      const body = { features: refs, entities: { symbol: [symbol] } }
      const { headers, text } = await post(server, PATH, body, signal)
      try {
        return parseReply(JSON.parse(text), definitionOf(headers), features)
      } catch (error) {
        if (!(error instanceof ReplyError || error instanceof SyntaxError)) throw error
        throw new ServiceError('features_unavailable', `${server.url} gave no usable answer`, {
          cause: error,
        })
      }
    },
  }
}

/** A header that stands twice arrives joined, and then is no definition we know. */
function definitionOf(headers: HttpAnswer['headers']): string | null {
  return headers[DEFINITION_HEADER]?.toString() ?? null
}

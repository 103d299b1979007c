import { parseBar, type SourceRecord } from '@usdcop/observation/parse'
import { callerSignal } from '@usdcop/service/caller-signal'
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import { z } from 'zod'
import type { Ingest } from '../ingest.ts'

export const MAX_ROWS = 10_000

/** Under this name the batch's rejections and its progress are kept. */
export const sourceSchema = z
  .string()
  .regex(/^[\w.-]{1,64}$/, 'letters, digits, dot, dash and underscore, 64 at most')
  .default('http')

const symbolSchema = z
  .string()
  .trim()
  .max(64)
  .regex(/^[\p{L}\p{N}\p{P}\p{S} ]+$/u, 'printable characters, at least one')

const Body = z.strictObject({
  source: sourceSchema,
  /** Times as ISO 8601 or epoch ms, prices as numbers or decimal text; other columns are ignored. */
  bars: z.array(z.looseObject({ symbol: symbolSchema })).max(MAX_ROWS),
})

/**
 * `POST /v1/bars`: a batch in, an outcome for each row out, in order. Sending a batch again changes
 * nothing: its rows come back as `duplicate` or `out_of_order`. A price that cannot be read is the
 * row's fault (`unparsable`), a row without a symbol the request's.
 */
export function barsRoute(
  app: FastifyInstance,
  { ingest, mayWrite }: { ingest: Ingest; mayWrite: onRequestAsyncHookHandler },
): void {
  app.post('/v1/bars', { onRequest: mayWrite }, async (request, reply) => {
    const { source, bars } = Body.parse(request.body)
    const rows = await ingest.bars(
      source,
      bars.map((bar) => parseBar(bar satisfies SourceRecord)),
      callerSignal(reply),
    )
    const accepted = rows.filter(({ status }) => status === 'accepted').length
    return { accepted, rejected: rows.length - accepted, rows }
  })
}

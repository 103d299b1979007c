import { parseBar, type SourceRecord } from '@usdcop/observation/parse'
import { callerSignal } from '@usdcop/service/caller-signal'
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import { z } from 'zod'
import type { Ingest } from '../ingest.ts'

export const MAX_ROWS = 10_000

const Body = z.strictObject({
  source: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'letters, digits, dot, dash and underscore, 64 at most')
    .default('http'),
  /** Times as ISO 8601 or epoch ms, prices as numbers or decimal text. */
  bars: z.array(z.looseObject({ symbol: z.string().trim().min(1).max(64) })).max(MAX_ROWS),
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

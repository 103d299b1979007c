import { callerSignal } from '@usdcop/service/caller-signal'
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import { z } from 'zod'
import type { Ingest } from '../ingest.ts'
import { MAX_ROWS, sourceSchema } from './bars.ts'

interface Deps {
  readonly ingest: Ingest
  readonly mayWrite: onRequestAsyncHookHandler
  /** The series of the contract. */
  readonly series: readonly string[]
}

/**
 * `POST /v1/macro`: daily values in, an outcome for each out: `accepted`, `unchanged` when the value
 * is known already, `corrected` when it replaces another, `rejected` with a reason.
 */
export function macroRoute(app: FastifyInstance, { ingest, mayWrite, series }: Deps): void {
  const Body = z.strictObject({
    source: sourceSchema,
    values: z
      .array(
        z.strictObject({
          series: z.enum(series),
          /** The day the value belongs to, not the day it was published. */
          date: z.iso.date(),
          value: z.number(),
        }),
      )
      .max(MAX_ROWS),
  })
  app.post('/v1/macro', { onRequest: mayWrite }, async (request, reply) => {
    const { source, values } = Body.parse(request.body)
    const rows = await ingest.macro(source, values, callerSignal(reply))
    const rejected = rows.filter(({ status }) => status === 'rejected').length
    return { accepted: rows.length - rejected, rejected, rows }
  })
}

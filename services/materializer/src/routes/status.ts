import { callerSignal } from '@usdcop/service/caller-signal'
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'

export interface MaterializerStatus {
  readonly definitionHash: string
  readonly symbols: readonly {
    readonly symbol: string
    /** ISO label of the newest accepted bar. */
    readonly lastBar: string
  }[]
  readonly rejected: readonly {
    readonly source: string
    readonly reason: string
    readonly count: number
  }[]
  /** Outbox events that the online store does not have yet. */
  readonly onlineLag: number
  /** Newest session that is sealed in Parquet; null before the first. */
  readonly lastSealedSession: string | null
}

export type StatusReader = (signal: AbortSignal) => Promise<MaterializerStatus>

export function statusRoute(
  app: FastifyInstance,
  { status, mayRead }: { status: StatusReader; mayRead: onRequestAsyncHookHandler },
): void {
  app.get('/v1/status', { onRequest: mayRead }, (_request, reply) => status(callerSignal(reply)))
}

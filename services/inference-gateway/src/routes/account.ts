import type { ExecutionRules } from '@usdcop/decision/execution'
import { callerSignal } from '@usdcop/service/caller-signal'
import { ServiceError } from '@usdcop/service/errors'
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import { z } from 'zod'
import type { Ledger } from '../ledger.ts'
import { symbolSchema } from './symbol.ts'

export interface AccountRouteDeps {
  readonly ledger: Ledger
  readonly execution: ExecutionRules
  readonly mayRead: onRequestAsyncHookHandler
}

const Query = z.strictObject({ symbol: symbolSchema })

/** The paper account of one symbol, marked at its newest bar's close. */
export function accountRoutes(
  app: FastifyInstance,
  { ledger, execution, mayRead }: AccountRouteDeps,
): void {
  app.get('/v1/account', { onRequest: mayRead }, async (request, reply) => {
    const { symbol } = Query.parse(request.query)
    const signal = callerSignal(reply)
    const stored = await ledger.account(symbol, signal)
    if (stored === undefined) throw new ServiceError('not_found', `no account trades ${symbol}`)
    const { account, version } = stored
    const [mark] = await ledger.equity(symbol, account.lastBarTime ?? 0, signal)
    return {
      symbol,
      position: account.position,
      pending: account.pending,
      cash: account.cash,
      equity: mark?.equity ?? account.cash,
      costsPaid: account.costsPaid,
      peakEquity: account.peakEquity,
      deepestDrawdown: account.deepestDrawdown,
      initialCash: execution.initialCash,
      currency: execution.currency,
      notional: execution.notional,
      barTime: account.lastBarTime,
      version,
    }
  })
}

import { callerSignal } from '@usdcop/service/caller-signal'
import { ServiceError } from '@usdcop/service/errors'
import { describeSpan } from '@usdcop/tracing/spans'
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import { z } from 'zod'
import type { Ask } from '../ask.ts'
import type { Ledger, RecordedDecision } from '../ledger.ts'
import { decisionAttributes } from '../spans.ts'
import { symbolSchema } from './symbol.ts'

export interface DecisionRouteDeps {
  readonly ledger: Ledger
  readonly ask: Ask
  readonly mayRead: onRequestAsyncHookHandler
  readonly mayWrite: onRequestAsyncHookHandler
}

const Question = z.strictObject({ symbol: symbolSchema })
const Query = z.strictObject({
  symbol: symbolSchema.optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
  before: z.coerce.number().int().min(1).optional(),
})
const Params = z.object({ id: z.string().regex(/^decision-[1-9]\d{0,15}$/, 'expected decision-N') })

/** Questions and the record of their answers. A refusal is an answer: 2xx, with its reasons. */
export function decisionRoutes(
  app: FastifyInstance,
  { ledger, ask, mayRead, mayWrite }: DecisionRouteDeps,
): void {
  app.post('/v1/decisions', { onRequest: mayWrite }, async (request, reply) => {
    const { decision, created } = await ask(Question.parse(request.body).symbol)
    describeSpan(decisionAttributes({ ...decision, ...decision.content }))
    if (created) reply.code(201).header('location', `/v1/decisions/${decision.id}`)
    return whole(decision)
  })

  app.get('/v1/decisions', { onRequest: mayRead }, async (request, reply) => {
    const { symbol: asked, limit, before } = Query.parse(request.query)
    const found = await ledger.decisions({ symbol: asked, limit, before }, callerSignal(reply))
    const next = found.length === limit ? (found.at(-1)?.seq ?? null) : null
    return { decisions: found.map(brief), next }
  })

  app.get('/v1/decisions/:id', { onRequest: mayRead }, async (request, reply) => {
    const { id } = Params.parse(request.params)
    const found = await ledger.decision(id, callerSignal(reply))
    if (found === undefined) throw new ServiceError('not_found', `there is no ${id}`)
    return whole(found)
  })
}

/** Without the observation, for lists. */
function brief({ content, prevHash: _prevHash, hash: _hash, ...recorded }: RecordedDecision) {
  const { features: _features, model, ...rest } = content
  return { ...recorded, ...rest, model: model && { name: model.name, version: model.version } }
}

/** All there is, with its place in the chain. */
function whole({ content, ...recorded }: RecordedDecision) {
  return { ...recorded, ...content }
}

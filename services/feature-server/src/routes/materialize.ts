import type { RegistrySource } from '@usdcop/feast/registry/definitions'
import type { Materializer } from '@usdcop/feast/registry/materialization'
import type { Transformer } from '@usdcop/feast/serving/transform'
import type { DomainClock } from '@usdcop/service/clock'
import { ServiceError } from '@usdcop/service/errors'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Access } from '../access/access.ts'
import { parseBody, type TextRoute } from '../body.ts'
import {
  jobOf,
  type MaterializeRequest,
  parseMaterialize,
  parseMaterializeIncremental,
  queryFlag,
} from '../materialize/request.ts'
import { createRuns } from '../materialize/runs.ts'
import type { FeatureServerMetrics } from '../metrics.ts'

export interface MaterializeDeps {
  readonly registry: RegistrySource
  /** Absent: nobody materializes for this server. */
  readonly materializer?: Materializer | undefined
  readonly clock: DomainClock
  readonly transform: Transformer
  readonly access: Access
  readonly metrics: FeatureServerMetrics
}

/**
 * POST /materialize and /materialize-incremental. A run lives in the memory of its process and ends
 * with it, so none is ever left over: `force`, with which Feast frees a stuck view, has nothing to do.
 */
export function materialize(app: FastifyInstance, deps: MaterializeDeps): void {
  const { registry, materializer, clock, transform, access, metrics } = deps
  const logger = app.log as Parameters<typeof createRuns>[2]
  const runs = materializer && createRuns(materializer, metrics, logger)
  app.addHook('preClose', async () => await runs?.stop())

  const answer = async (
    request: FastifyRequest,
    reply: FastifyReply,
    asked: MaterializeRequest,
  ): Promise<FastifyReply> => {
    const isAsync = queryFlag(request.query, 'async')
    queryFlag(request.query, 'force')
    const definitions = registry.current
    const job = await jobOf(definitions, asked, transform, request.work)
    const views = job.views.map((name) => ({ name }))
    access.assertMayWrite(request, definitions, views, ['WRITE_ONLINE'])
    if (runs === undefined)
      throw new ServiceError('not_supported', 'this server was started without a materializer')
    const { done } = runs.start(job)
    if (!isAsync) {
      await done
      return reply.code(200).type('application/json').send('null')
    }
    done.catch((error: unknown) => {
      const { id: requestId } = request
      request.log.error({ err: error, requestId, views: job.views }, 'materialization failed')
    })
    const body = { status: 'accepted', feature_views: job.views }
    return reply.code(202).type('application/json').send(JSON.stringify(body))
  }

  const options = { onRequest: access.guardWrites, config: { deadline: false } }
  app.post<TextRoute>('/materialize', options, async (request, reply) =>
    answer(request, reply, parseMaterialize(parseBody(request.body), clock.now())),
  )
  app.post<TextRoute>('/materialize-incremental', options, async (request, reply) =>
    answer(request, reply, parseMaterializeIncremental(parseBody(request.body))),
  )
}

import type { RegistrySource } from '@usdcop/feast/registry/definitions'
import { assembleReply, needsAssembly } from '@usdcop/feast/serving/assembled-reply'
import { keyedReads, readEntityRows } from '@usdcop/feast/serving/entity-rows'
import { createPlanner, type Plan } from '@usdcop/feast/serving/plan'
import { type Reply, type ReplyInput, writeReply } from '@usdcop/feast/serving/reply'
import type { Transformer } from '@usdcop/feast/serving/transform'
import type { Serving } from '@usdcop/feast/serving/ttl'
import type { OnlineStore } from '@usdcop/feast/stores/online-store'
import type { DomainClock } from '@usdcop/service/clock'
import type { FastifyInstance } from 'fastify'
import type { Access } from '../access/access.ts'
import { parseBody } from '../body.ts'
import { assertCells, type Limits } from '../limits.ts'
import { type FeatureServerMetrics, featureBin, viewBin } from '../metrics.ts'
import { parseOnlineRequest } from '../online-request.ts'

export interface OnlineFeaturesDeps {
  readonly registry: RegistrySource
  readonly store: OnlineStore
  readonly clock: DomainClock
  readonly serving: Serving
  readonly transform: Transformer
  readonly access: Access
  readonly limits: Limits
  readonly metrics: FeatureServerMetrics
}

export const ENDPOINT = '/get-online-features'
/** Under which definition the rows were computed; absent where the views disagree. */
const DEFINITION_HEADER = 'usdcop-definition-hash'

/** POST /get-online-features, Feast's hot route: a cached plan, one read, a reply written as text. */
export function getOnlineFeatures(app: FastifyInstance, deps: OnlineFeaturesDeps): void {
  const { registry, store, clock, serving, transform, access, limits, metrics } = deps
  const plan = createPlanner(registry)

  const options = { onRequest: access.guardReads }
  app.post<{ Body: string }>(ENDPOINT, options, async (request, reply) => {
    const startedAt = performance.now()
    const asked = parseOnlineRequest(parseBody(request.body))
    const planned = plan(asked)
    access.assertMayRead(request, asked, planned)
    const rows = readEntityRows(planned, asked.entities, serving)
    assertCells(rows.count, planned.featureCount, limits)
    const { viewMetadata } = asked
    const input = { plan: planned, rows, now: clock.now(), serving, viewMetadata }
    const answer = needsAssembly(planned)
      ? await assembleReply({ ...input, store, transform }, request.work)
      : await copyReply(input, request.work)
    observe(metrics, planned, answer, rows.count, startedAt)
    if (answer.sent !== undefined) reply.raw.once('finish', answer.sent)
    const definitionHash = definitionHashOf(planned)
    if (definitionHash !== undefined) reply.header(DEFINITION_HEADER, definitionHash)
    return reply.type('application/json').serializer(asWritten).send(answer.body)
  })

  async function copyReply(
    input: Omit<ReplyInput, 'reads' | 'stored'>,
    signal: AbortSignal,
  ): Promise<Reply> {
    const reads = keyedReads(input.plan, input.rows, serving)
    const readAt = performance.now()
    const stored = await store.readPacked(reads, signal)
    metrics.storeRead.observe((performance.now() - readAt) / 1_000)
    return writeReply({ ...input, reads, stored })
  }
}

/** Without one Fastify would put a charset behind the type, which JSON does not have. */
function asWritten(body: unknown): string {
  return body as string
}

function definitionHashOf({ views }: Plan): string | undefined {
  const hash = views[0]?.view.tags['definition_hash']
  return views.every(({ view }) => view.tags['definition_hash'] === hash) ? hash : undefined
}

function observe(
  metrics: FeatureServerMetrics,
  { views, featureCount }: Plan,
  { counts }: Reply,
  rowCount: number,
  startedAt: number,
): void {
  metrics.onlineRequests.inc()
  metrics.entityCount.observe(rowCount)
  for (const [index, { view }] of views.entries())
    metrics.served(view.name, counts[index] as Uint32Array)
  metrics.latency.observe(
    {
      endpoint: ENDPOINT,
      feature_count: featureBin(featureCount),
      feature_view_count: viewBin(views.length),
    },
    (performance.now() - startedAt) / 1_000,
  )
}

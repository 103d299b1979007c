import type { RegistrySource } from '@usdcop/feast/registry/definitions'
import { assembleReply, needsAssembly } from '@usdcop/feast/serving/assembled-reply'
import { keyedReads, readEntityRows } from '@usdcop/feast/serving/entity-rows'
import { createPlanner, type Plan, type PlannedView } from '@usdcop/feast/serving/plan'
import { type Reply, type StatusCounts, writeReply } from '@usdcop/feast/serving/reply'
import { createTransformer, type Transformer } from '@usdcop/feast/serving/transform'
import type { Serving } from '@usdcop/feast/serving/ttl'
import type { OnlineStore, PackedRows } from '@usdcop/feast/stores/online-store'
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
  /** Runs on-demand views; those written in Python are refused by name unless given. */
  readonly transform?: Transformer | undefined
  readonly access: Access
  readonly limits: Limits
  readonly metrics: FeatureServerMetrics
}

export const ENDPOINT = '/get-online-features'
/** Under which definition the rows were computed; absent where the views disagree. */
const DEFINITION_HEADER = 'usdcop-definition-hash'

/** POST /get-online-features, Feast's hot route: a cached plan, one read, a reply written as text. */
export function getOnlineFeatures(app: FastifyInstance, deps: OnlineFeaturesDeps): void {
  const { registry, store, clock, serving, access, limits, metrics } = deps
  const plan = createPlanner(registry)
  const transform = deps.transform ?? createTransformer()

  const options = { onRequest: access.guardReads }
  // No async function: a store in this process answers at once, and then nothing here waits.
  app.post<{ Body: string }>(ENDPOINT, options, (request, reply) => {
    const startedAt = performance.now()
    const asked = parseOnlineRequest(parseBody(request.body))
    const planned = plan(asked)
    access.assertMayRead(request, asked, planned)
    const rows = readEntityRows(planned, asked.entities, serving)
    assertCells(rows.count, planned.featureCount, limits)
    const { viewMetadata } = asked
    const input = { plan: planned, rows, now: clock.now(), serving, viewMetadata }
    if (needsAssembly(planned))
      return assembleReply({ ...input, store, transform }, request.work).then(send)
    const reads = keyedReads(planned, rows, serving)
    const readAt = performance.now()
    const stored = store.readPacked(reads, request.work)
    return stored instanceof Promise ? stored.then(copy) : copy(stored)

    function copy(rowsRead: readonly PackedRows[]): void {
      metrics.storeRead.observe((performance.now() - readAt) / 1_000)
      send(
        writeReply({
          plan: planned,
          rows,
          now: input.now,
          serving,
          viewMetadata,
          reads,
          stored: rowsRead,
        }),
      )
    }

    function send({ body, counts, sent }: Reply): void {
      observe(metrics, planned, counts, rows.count, startedAt)
      if (sent !== undefined) reply.raw.once('finish', sent)
      const definitionHash = definitionHashOf(planned)
      if (definitionHash !== undefined) reply.header(DEFINITION_HEADER, definitionHash)
      reply.type('application/json').serializer(asWritten).send(body)
    }
  })
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
  counts: readonly StatusCounts[],
  rowCount: number,
  startedAt: number,
): void {
  metrics.onlineRequests.inc()
  metrics.entityCount.observe(rowCount)
  for (let index = 0; index < views.length; index++)
    metrics.served((views[index] as PlannedView).view.name, counts[index] as StatusCounts)
  metrics.latency
    .of(ENDPOINT, featureBin(featureCount), viewBin(views.length))
    .observe((performance.now() - startedAt) / 1_000)
}

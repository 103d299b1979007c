import type { FeatureView, RegistrySource } from '@usdcop/feast/registry/definitions'
import type { OfflineWriter } from '@usdcop/feast/registry/offline-writer'
import { viewsOfPushSource } from '@usdcop/feast/registry/registry'
import { readFrame } from '@usdcop/feast/serving/frame'
import type { OnlineStore } from '@usdcop/feast/stores/online-store'
import { ServiceError } from '@usdcop/service/errors'
import type { FastifyInstance } from 'fastify'
import type { Access } from '../access/access.ts'
import type { Action } from '../access/identity.ts'
import { parseBody, type TextRoute } from '../body.ts'
import { assertFrameFits, type Limits } from '../limits.ts'
import type { FeatureServerMetrics } from '../metrics.ts'
import { offlineColumns } from '../offline-columns.ts'
import { parsePushRequest } from '../push-request.ts'
import { writeRows } from '../write-rows.ts'

export interface PushDeps {
  readonly registry: RegistrySource
  readonly store: OnlineStore
  /** Absent: this server keeps no history, and refuses pushes to it. */
  readonly offlineWriter?: OfflineWriter | undefined
  readonly access: Access
  readonly limits: Limits
  readonly metrics: FeatureServerMetrics
}

/** POST /push: rows for every view of a push source, to the online store, to history, or to both. */
export function push(app: FastifyInstance, deps: PushDeps): void {
  const { store, access, metrics, offlineWriter, limits } = deps

  app.post<TextRoute>('/push', { onRequest: access.guardWrites }, async (request, reply) => {
    const { pushSource, df, to } = parsePushRequest(parseBody(request.body))
    const actions = actionsOf(to)
    const registry = deps.registry.current
    const views = viewsOfPushSource(registry, pushSource)
    access.assertMayWrite(request, registry, views, actions)
    assertFrameFits(df, limits)
    const online = actions.includes('WRITE_ONLINE')
    const history = actions.includes('WRITE_OFFLINE') ? historyOf(views, offlineWriter) : undefined
    const { timestampField = 'event_timestamp' } = registry.pushSources.get(pushSource) ?? {}
    // Every view's rows are read before any is written: a bad frame leaves nothing behind.
    const frames = views.map((view) => ({
      view,
      rows: readFrame(registry, view, timestampField, df),
    }))
    const appends = history?.map(({ view, append }) => ({
      append,
      columns: offlineColumns(registry, view, df),
    }))
    if (online)
      for (const { view, rows } of frames)
        await writeRows({ store, metrics }, registry, view, rows, request.work)
    for (const { append, columns } of appends ?? []) await append(columns, request.work)
    metrics.pushes.inc({ push_source: pushSource, mode: to })
    return reply.code(200).send()
  })
}

function actionsOf(to: string): readonly Action[] {
  if (to === 'online') return ['WRITE_ONLINE']
  if (to === 'offline') return ['WRITE_OFFLINE']
  if (to === 'online_and_offline') return ['WRITE_OFFLINE', 'WRITE_ONLINE']
  throw new ServiceError(
    'invalid_request',
    `${to} is not a supported push format. Please specify one of these ` +
      `['online', 'offline', 'online_and_offline'].`,
  )
}

function historyOf(views: readonly FeatureView[], writer: OfflineWriter | undefined) {
  if (writer === undefined)
    throw new ServiceError(
      'not_supported',
      "this server was started without an offline store; it takes pushes to 'online' only",
    )
  return views.map((view) => {
    const source = view.batchSource
    if (source === undefined)
      throw new ServiceError('invalid_request', `Feature view '${view.name}' has no batch_source.`)
    const append = async (columns: ReturnType<typeof offlineColumns>, signal: AbortSignal) =>
      await writer.append(view, source, columns, signal)
    return { view, append }
  })
}

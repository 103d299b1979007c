import type { RegistrySource } from '@usdcop/feast/registry/definitions'
import { viewsOfPushSource } from '@usdcop/feast/registry/registry'
import { readFrame } from '@usdcop/feast/serving/frame'
import type { OnlineStore } from '@usdcop/feast/stores/online-store'
import { type Keyring, requireRole } from '@usdcop/service/auth'
import { callerSignal } from '@usdcop/service/caller-signal'
import { ServiceError } from '@usdcop/service/errors'
import type { FastifyInstance } from 'fastify'
import { parseBody } from '../body.ts'
import type { FeatureServerMetrics } from '../metrics.ts'
import { parsePushRequest } from '../push-request.ts'

export interface PushDeps {
  readonly registry: RegistrySource
  readonly store: OnlineStore
  readonly keyring: Keyring
  readonly metrics: FeatureServerMetrics
}

/** POST /push: rows for every view of a push source, to the online store. */
export function push(app: FastifyInstance, deps: PushDeps): void {
  const { store, keyring, metrics } = deps
  const onRequest = requireRole(keyring, 'writer')

  app.post<{ Body: string }>('/push', { onRequest }, async (request, reply) => {
    const { pushSource, df, to } = parsePushRequest(parseBody(request.body))
    assertOnline(to)
    const registry = deps.registry.current
    const views = viewsOfPushSource(registry, pushSource)
    const { timestampField } = registry.pushSources.get(pushSource) ?? {}
    // Every view's rows are read before any is written: a bad frame leaves nothing behind.
    const frames = views.map((view) => ({
      view,
      rows: readFrame(registry, view, timestampField ?? 'event_timestamp', df),
    }))
    const signal = callerSignal(reply)
    for (const { view, rows } of frames) {
      const outcomes = await store.write(view.name, rows, signal)
      const older = outcomes.filter((outcome) => outcome === 'older').length
      if (older > 0) metrics.olderRows.inc({ feature_view: view.name }, older)
    }
    metrics.pushes.inc({ push_source: pushSource, mode: to })
    return reply.code(200).send()
  })
}

function assertOnline(to: string): void {
  if (to === 'online') return
  const known = to === 'offline' || to === 'online_and_offline'
  throw new ServiceError(
    'invalid_request',
    known
      ? `to: '${to}' is not served here; this server writes to the online store only ('online').`
      : `${to} is not a supported push format. Please specify one of these ` +
          `['online', 'offline', 'online_and_offline'].`,
  )
}

import type { OnDemandView, Registry, RegistrySource } from '@usdcop/feast/registry/definitions'
import { findView } from '@usdcop/feast/registry/registry'
import { readWriteFrame } from '@usdcop/feast/serving/frame'
import { readStoredFrame } from '@usdcop/feast/serving/stored-frame'
import { asStored } from '@usdcop/feast/serving/stored-view'
import type { Transformer } from '@usdcop/feast/serving/transform'
import type { OnlineRow, OnlineStore } from '@usdcop/feast/stores/online-store'
import type { DomainClock } from '@usdcop/service/clock'
import { ServiceError } from '@usdcop/service/errors'
import type { FastifyInstance } from 'fastify'
import type { Access } from '../access/access.ts'
import { parseBody, type TextRoute } from '../body.ts'
import { assertFrameFits, type Limits } from '../limits.ts'
import type { FeatureServerMetrics } from '../metrics.ts'
import { parseWriteRequest } from '../push-request.ts'
import { writeRows } from '../write-rows.ts'

export interface WriteDeps {
  readonly registry: RegistrySource
  readonly store: OnlineStore
  readonly clock: DomainClock
  readonly transform: Transformer
  readonly access: Access
  readonly limits: Limits
  readonly metrics: FeatureServerMetrics
}

/**
 * POST /write-to-online-store: how Feast's SDK writes where its online store is `remote`, and the way
 * into on-demand views that are stored.
 */
export function writeToOnlineStore(app: FastifyInstance, deps: WriteDeps): void {
  const { access, clock, limits, transform } = deps
  const options = { onRequest: access.guardWrites }
  app.post<TextRoute>('/write-to-online-store', options, async (request, reply) => {
    const { view: name, df, transforms } = parseWriteRequest(parseBody(request.body))
    const registry = deps.registry.current
    const onDemand = registry.onDemandViews.get(name)
    const view = onDemand === undefined ? findView(registry, name) : asStored(registry, onDemand)
    access.assertMayWrite(request, registry, [view], ['WRITE_ONLINE'])
    assertFrameFits(df, limits)
    const rows =
      onDemand === undefined
        ? readWriteFrame(registry, view, df)
        : await computeRows(registry, onDemand, df, transforms, request.work)
    await writeRows(deps, registry, view, rows, request.work)
    return reply.code(200).type('application/json').send('null')
  })

  async function computeRows(
    registry: Registry,
    view: OnDemandView,
    frame: Readonly<Record<string, unknown>>,
    transforms: boolean,
    signal: AbortSignal,
  ): Promise<readonly OnlineRow[]> {
    if (view.writeToOnlineStore !== true)
      throw new ServiceError(
        'invalid_request',
        `On demand feature view '${view.name}' is computed when it is read, and stores nothing: ` +
          'it was defined without write_to_online_store',
      )
    const given = { registry, view, frame, now: clock.now() }
    return await readStoredFrame(
      { ...given, transform: transforms ? transform : undefined },
      signal,
    )
  }
}

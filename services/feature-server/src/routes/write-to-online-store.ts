import type { RegistrySource } from '@usdcop/feast/registry/definitions'
import { findView } from '@usdcop/feast/registry/registry'
import { readWriteFrame } from '@usdcop/feast/serving/frame'
import type { OnlineStore } from '@usdcop/feast/stores/online-store'
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
  readonly access: Access
  readonly limits: Limits
  readonly metrics: FeatureServerMetrics
}

/** POST /write-to-online-store: how Feast's SDK writes where its online store is `remote`. */
export function writeToOnlineStore(app: FastifyInstance, deps: WriteDeps): void {
  const { access, limits } = deps
  const options = { onRequest: access.guardWrites }
  app.post<TextRoute>('/write-to-online-store', options, async (request, reply) => {
    const { view: name, df } = parseWriteRequest(parseBody(request.body))
    const registry = deps.registry.current
    if (registry.onDemandViews.has(name) && !registry.views.has(name))
      throw new ServiceError(
        'not_supported',
        `On demand feature view '${name}' is not written here: it is read where Feast has stored it`,
      )
    const view = findView(registry, name)
    access.assertMayWrite(request, registry, [view], ['WRITE_ONLINE'])
    assertFrameFits(df, limits)
    await writeRows(deps, registry, view, readWriteFrame(registry, view, df), request.work)
    return reply.code(200).type('application/json').send('null')
  })
}

import type { OnlineStore } from '@usdcop/feast/stores/online-store'
import { callerSignal } from '@usdcop/service/caller-signal'
import type { FastifyInstance } from 'fastify'

const PING_TIMEOUT_MS = 2_000

/** GET /health as Feast answers it: an empty 200, or an empty 503 when it cannot serve. */
export function health(app: FastifyInstance, store: OnlineStore): void {
  app.get('/health', async (request, reply) => {
    const signal = AbortSignal.any([callerSignal(reply), AbortSignal.timeout(PING_TIMEOUT_MS)])
    const healthy = await store.ping(signal).then(
      () => true,
      (error: unknown) => {
        request.log.warn({ err: error, requestId: request.id }, 'not healthy')
        return false
      },
    )
    return reply.code(healthy ? 200 : 503).send()
  })
}

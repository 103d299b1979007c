import Fastify, { type FastifyInstance } from 'fastify'
import { traceRequests } from '../src/requests.ts'

/** A traced app that listens; disposing waits until every connection is closed, so every span ended. */
export async function listening(
  routes: (app: FastifyInstance) => void,
  untraced?: readonly string[],
): Promise<{ app: FastifyInstance; url: string }> {
  const app = Fastify({ forceCloseConnections: 'idle' })
  traceRequests(app, untraced)
  routes(app)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { app, url }
}

import type { FastifyInstance } from 'fastify'
import { describeApi } from '../openapi.ts'

/** GET /openapi.json, where Feast's server has it; open to everybody, as it says nothing of the data. */
export function openApi(app: FastifyInstance): void {
  const description = JSON.stringify(describeApi())
  app.get('/openapi.json', async (_request, reply) =>
    reply.type('application/json').send(description),
  )
}

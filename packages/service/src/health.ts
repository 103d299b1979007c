import type { FastifyInstance } from 'fastify'

/** Resolves when the dependency answers; rejects, and stops waiting at the signal, when it does not. */
export type Probe = (signal: AbortSignal) => Promise<unknown>

const PROBE_TIMEOUT_MS = 2_000

/** `/livez` asks nothing, so a slow dependency never restarts us; `/readyz` asks every dependency. */
export function healthRoutes(app: FastifyInstance, probes: Readonly<Record<string, Probe>>): void {
  app.get('/livez', () => ({ status: 'ok' }))
  app.get('/readyz', async (_request, reply) => {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS)
    const answers = await Promise.all(
      Object.entries(probes).map(async ([name, probe]) => {
        const passed = await probe(signal).then(
          () => true,
          (error: unknown) => {
            app.log.warn({ err: error, probe: name }, 'not ready')
            return false
          },
        )
        return [name, passed] as const
      }),
    )
    const ready = answers.every(([, passed]) => passed)
    return reply.code(ready ? 200 : 503).send({ ready, checks: Object.fromEntries(answers) })
  })
}

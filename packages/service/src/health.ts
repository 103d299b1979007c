import type { FastifyInstance } from 'fastify'

/**
 * Resolves when the dependency answers; rejects, and stops waiting at the signal, when it does not. One that resolves
 * with a `ProbedState` says itself whether that will do, and which state it found: `/readyz` tells it to everybody.
 */
export type Probe = (signal: AbortSignal) => Promise<unknown>

export class ProbedState {
  readonly ready: boolean
  /** A word from a closed set. */
  readonly state: string

  constructor(ready: boolean, state: string) {
    this.ready = ready
    this.state = state
  }
}

const PROBE_TIMEOUT_MS = 2_000

/** `/livez` asks nothing, so a slow dependency never restarts us; `/readyz` asks every dependency. */
export function healthRoutes(app: FastifyInstance, probes: Readonly<Record<string, Probe>>): void {
  app.get('/livez', () => ({ status: 'ok' }))
  app.get('/readyz', async (_request, reply) => {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS)
    const answers = await Promise.all(
      Object.entries(probes).map(async ([name, probe]) => {
        const found = await probe(signal).then(
          (answer) => (answer instanceof ProbedState ? answer : new ProbedState(true, '')),
          (error: unknown) => {
            app.log.warn({ err: error, probe: name }, 'not ready')
            return new ProbedState(false, '')
          },
        )
        return [name, found] as const
      }),
    )
    const ready = answers.every(([, found]) => found.ready)
    const checks = Object.fromEntries(answers.map(([name, found]) => [name, found.ready]))
    const told = answers.filter(([, found]) => found.state !== '')
    const states = Object.fromEntries(told.map(([name, found]) => [name, found.state]))
    return reply.code(ready ? 200 : 503).send({ ready, checks, ...(told.length > 0 && { states }) })
  })
}

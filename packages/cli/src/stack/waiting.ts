import type { Container } from './container.ts'

/**
 * Where a service is on its way up.
 *
 * - `waiting`: not there yet; `state` says what it does.
 * - `ready`: healthy, or running for a few seconds where it has no health check.
 * - `done`: a job that ended with 0.
 * - `failed`: it will not get there by itself. Only a judgement: it may still be tried again by Docker.
 */
export interface Step {
  readonly service: string
  readonly step: 'waiting' | 'ready' | 'done' | 'failed'
  /** One or two words: `healthy`, `health starting`, `exited 3`. */
  readonly state: string
  readonly container: Container | undefined
}

export interface Watched {
  /** Services that are to come up. */
  readonly services: readonly string[]
  readonly containers: readonly Container[]
  /** The containers as they were before; one that Compose has not touched yet is not judged. */
  readonly before: readonly Container[]
  /** Compose has done all it will do: what is not there now was not asked for. */
  readonly settled: boolean
  /** For how long this run of the container has been seen, in ms. */
  readonly seenForMs: (container: Container) => number
}

/** As often may a container be started again, for a server it needs that comes late. */
const RESTARTS_ALLOWED = 5
/** By then one that was unhealthy before, and has been helped since, has been asked for its health again. */
const ASKED_AGAIN_MS = 20_000
/** A server that cannot run at all is gone sooner. */
const STEADY_AFTER_MS = 3_000

/** Where each service is, in the order of `services`. */
export function stepsOf(watched: Watched): readonly Step[] {
  const { services, containers, settled } = watched
  return services.flatMap((service) => {
    const own = containers.filter((container) => container.service === service)
    if (own.length === 0)
      return settled ? [] : [{ service, step: 'waiting', state: 'not yet', container: undefined }]
    const steps = own.map((container) => stepOf(container, watched))
    // Of several replicas the one that is furthest from ready speaks for the service.
    const [first] = steps.toSorted((a, b) => ORDER.indexOf(a.step) - ORDER.indexOf(b.step))
    return first === undefined ? [] : [first]
  })
}

const ORDER: readonly Step['step'][] = ['failed', 'waiting', 'ready', 'done']

function stepOf(container: Container, { before, settled, seenForMs }: Watched): Step {
  const earlier = before.find(({ id }) => id === container.id)
  const steady = seenForMs(container) >= STEADY_AFTER_MS
  const step = verdict(container, earlier?.restarts ?? 0, steady)
  const untouched = earlier?.startedAt === container.startedAt
  const mayRecover = container.state === 'running' && seenForMs(container) < ASKED_AGAIN_MS
  const unjudged = untouched && (!settled || mayRecover)
  return {
    service: container.service,
    step: step === 'failed' && unjudged ? 'waiting' : step,
    state: stateOf(container),
    container,
  }
}

function verdict(container: Container, restartsBefore: number, steady: boolean): Step['step'] {
  const { state, health, exitCode, restarts, restartPolicy, fault } = container
  // Docker counts from 0 again when a container is started by hand.
  const restarted = restarts - (restarts >= restartsBefore ? restartsBefore : 0)
  switch (state) {
    case 'running':
      if (health === 'healthy') return 'ready'
      if (health === 'unhealthy') return 'failed'
      if (health === 'none' && restartPolicy !== 'no' && steady) return 'ready'
      return restarted >= RESTARTS_ALLOWED ? 'failed' : 'waiting'
    case 'restarting':
      return restarted >= RESTARTS_ALLOWED ? 'failed' : 'waiting'
    case 'exited':
      if (restartPolicy === 'no' || restartPolicy === 'on-failure')
        return exitCode === 0 ? 'done' : 'failed'
      return restarted >= RESTARTS_ALLOWED ? 'failed' : 'waiting'
    case 'created':
      return fault === '' ? 'waiting' : 'failed'
    case 'dead':
      return 'failed'
    case 'paused':
    case 'removing':
      return 'waiting'
    default:
      return state satisfies never
  }
}

function stateOf({ state, health, exitCode, restarts, fault }: Container): string {
  if (state === 'running') {
    if (health === 'none') return 'running'
    return health === 'starting' ? 'health starting' : health
  }
  if (state === 'exited')
    return fault === '' ? `exited ${exitCode}` : `exited ${exitCode}, ${fault}`
  if (state === 'restarting') return `restarting, exited ${exitCode}, ${restarts} times`
  return state
}

/** Nothing is awaited any more. */
export function allUp(steps: readonly Step[]): boolean {
  return steps.every(({ step }) => step === 'ready' || step === 'done')
}

import type { Docker } from './docker.ts'
import type { Outcome } from './watch.ts'

/** A service that is not up, with what is known of why. */
export interface Failure {
  readonly service: string
  readonly container: string | null
  readonly state: string
  /** What its last health check printed; empty when it printed nothing, or there is none. */
  readonly healthOutput: string
  /** The last lines of its log. */
  readonly log: readonly string[]
}

const LOG_LINES = 15

/** Those that failed; where none did, those that are awaited, before those that wait for them. */
export async function failuresOf(
  { steps }: Pick<Outcome, 'steps'>,
  docker: Docker,
  signal: AbortSignal,
): Promise<readonly Failure[]> {
  const failed = steps.filter(({ step }) => step === 'failed')
  const waiting = steps.filter(({ step }) => step === 'waiting')
  const begun = waiting.filter(({ container }) => container !== undefined)
  const named = [failed, begun, waiting].find((group) => group.length > 0) ?? []
  return await Promise.all(
    named.map(async ({ service, state, container }) => ({
      service,
      container: container?.name ?? null,
      state,
      healthOutput: container?.health === 'healthy' ? '' : (container?.healthOutput ?? ''),
      log: container === undefined ? [] : await docker.lastLines(container, LOG_LINES, signal),
    })),
  )
}

export function describeFailure({ service, container, state, healthOutput, log }: Failure): string {
  const head =
    container === null ? `${service}: no container` : `${service} (${container}): ${state}`
  const health =
    healthOutput === ''
      ? []
      : ['  its last health check said:', ...indent(healthOutput.split('\n'))]
  const lines = log.length === 0 ? [] : ['  its last log lines:', ...indent(log)]
  return `${[head, ...health, ...lines].join('\n')}\n`
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `    ${line}`)
}

/** In words, for the end. */
export function reasonOf({ end, elapsedMs }: Outcome, failures: readonly Failure[]): string {
  const names = failures.map(({ service }) => service).join(', ')
  switch (end) {
    case 'failed':
      return `${names} failed`
    case 'timed-out':
      return `${names} not up after ${Math.round(elapsedMs / 1_000)} s (--timeout allows more)`
    case 'compose-failed':
      return names === '' ? 'Compose failed' : `Compose failed; not up: ${names}`
    case 'up':
      return ''
    default:
      return end satisfies never
  }
}

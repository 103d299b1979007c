import type { Output } from '../world.ts'
import { tableOf } from './table.ts'
import type { Step } from './waiting.ts'

export interface UpProgress {
  show(steps: readonly Step[], elapsedMs: number): void
  /** Leaves what is drawn on the screen. */
  stop(): void
}

/** A table that is drawn over itself on a terminal; elsewhere a line each time a service moves on. */
export function createUpProgress(stream: Output): UpProgress {
  return stream.isTTY ? drawn(stream) : told(stream)
}

function drawn(stream: Output): UpProgress {
  const reached = new Map<string, number>()
  let lines = 0
  return {
    show(steps, elapsedMs) {
      note(reached, steps, elapsedMs)
      const rows = steps.map((step) => {
        const seconds = Math.floor((reached.get(step.service) ?? elapsedMs) / 1_000)
        return [`  ${MARKS[step.step]}`, step.service, step.state, `${seconds} s`]
      })
      const up = lines === 0 ? '' : `\u001b[${lines}A`
      // Each line is cleared to its end: the one before may have been longer.
      const text = tableOf(rows).replaceAll('\n', '\u001b[K\n')
      stream.write(`${up}\r${text}\u001b[J`)
      lines = rows.length
    },
    stop() {
      lines = 0
    },
  }
}

function told(stream: Output): UpProgress {
  const said = new Map<string, string>()
  return {
    show(steps, elapsedMs) {
      for (const { service, state } of steps) {
        // That nothing is there yet is no news.
        if (said.get(service) === state || state === 'not yet') continue
        said.set(service, state)
        stream.write(`${service}: ${state} (${Math.floor(elapsedMs / 1_000)} s)\n`)
      }
    },
    stop() {},
  }
}

const MARKS = { waiting: '…', ready: '✓', done: '✓', failed: '✗' } as const

/** Remembers when each service stopped to wait, and forgets it when it waits again. */
function note(reached: Map<string, number>, steps: readonly Step[], elapsedMs: number): void {
  for (const { service, step } of steps) {
    if (step === 'waiting') reached.delete(service)
    else if (!reached.has(service)) reached.set(service, elapsedMs)
  }
}

import { ServiceError } from '@usdcop/service/errors'
import { CommanderError } from 'commander'

/** A child process ended with this code, and has already said why. */
export class ChildFailed extends Error {
  readonly exitCode: number

  constructor(exitCode: number) {
    super(`a process ended with status ${exitCode}`)
    this.name = 'ChildFailed'
    this.exitCode = exitCode
  }
}

/** 0 for help, 2 for a command line that is off, 130 for an interrupt, 1 for everything else. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof ChildFailed) return error.exitCode
  if (isAbort(error)) return 130
  return 1
}

/** One line for a person; empty where somebody has spoken already. Faults of ours keep their stack. */
export function explain(error: unknown): string {
  if (error instanceof CommanderError || error instanceof ChildFailed) return ''
  if (isAbort(error)) return 'interrupted'
  if (error instanceof ServiceError || hasCode(error)) return causes(error)
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

function hasCode(error: unknown): error is Error & { code: unknown } {
  return error instanceof Error && 'code' in error
}

function causes(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${causes(error.cause)}` : error.message
}

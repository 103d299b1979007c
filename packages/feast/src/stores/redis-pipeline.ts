import { ServiceError } from '@usdcop/service/errors'
import type { ChainableCommander } from 'ioredis'
import { untilAborted } from './until-aborted.ts'

/** The replies of a pipeline in order; one error among them fails it whole. */
export async function execute(
  pipeline: ChainableCommander,
  signal: AbortSignal,
): Promise<unknown[]> {
  signal.throwIfAborted()
  const replies = await untilAborted(pipeline.exec(), signal).catch((cause: unknown) =>
    unavailable(cause, signal),
  )
  return (replies ?? []).map(([error, reply]) =>
    error === null ? reply : unavailable(error, signal),
  )
}

export function unavailable(cause: unknown, signal: AbortSignal): never {
  if (signal.aborted) throw signal.reason
  forgetCommand(cause)
  const full = cause instanceof Error && cause.message.startsWith('OOM')
  const message = full ? 'the online store is full' : 'the online store does not answer'
  throw new ServiceError('store_unavailable', message, { cause })
}

/** ioredis hangs the command on an error: a password where it was HELLO, a row where it was a write. */
export function forgetCommand(error: unknown): void {
  if (error instanceof Error) Reflect.deleteProperty(error, 'command')
}

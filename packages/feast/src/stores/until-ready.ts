import { setTimeout as sleep } from 'node:timers/promises'
import { ServiceError } from '@usdcop/service/errors'
import type { OnlineStore } from './online-store.ts'

const PAUSE_MS = 50
const PATIENCE_MS = 5_000

/**
 * Waits some seconds for a store that was just opened to answer.
 * @param reason why it was last refused, where somebody heard of it
 * @throws ServiceError `store_unavailable` with that reason
 */
export async function untilReady(
  store: Pick<OnlineStore, 'ping'>,
  signal: AbortSignal,
  reason: () => Error | undefined = () => undefined,
): Promise<void> {
  const patience = performance.now() + PATIENCE_MS
  while (!(await answers(store, signal))) {
    if (performance.now() > patience)
      throw new ServiceError('store_unavailable', 'the online store cannot be reached', {
        cause: reason(),
      })
    await sleep(PAUSE_MS, undefined, { signal })
  }
}

async function answers(store: Pick<OnlineStore, 'ping'>, signal: AbortSignal): Promise<boolean> {
  try {
    await store.ping(signal)
    return true
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'store_unavailable') return false
    throw error
  }
}

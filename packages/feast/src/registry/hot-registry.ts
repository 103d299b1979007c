import { setTimeout as sleep } from 'node:timers/promises'
import type { RegistrySource } from './definitions.ts'
import type { RegistryStore } from './registry-store.ts'

export interface FollowOptions {
  /** Between two looks; 0 never looks again. */
  readonly intervalMs: number
  /**
   * Hears why a look failed, once while it goes on failing the same way; what was read before goes on
   * being served.
   */
  readonly onError: (error: unknown) => void
  /** Ends the first read. */
  readonly signal: AbortSignal
}

export interface FollowedRegistry extends RegistrySource {
  /** Looks now, after whoever looks already: an older reading never replaces a newer one. */
  refresh(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

/**
 * Reads a registry and goes on looking for changes, so that a server takes them up without a restart.
 * The store stays open when it stops.
 */
export async function followRegistry(
  store: RegistryStore,
  { intervalMs, onError, signal }: FollowOptions,
): Promise<FollowedRegistry> {
  let current = await store.read(signal)
  const stopping = new AbortController()

  let turn: Promise<unknown> = Promise.resolve()
  const refresh = (until: AbortSignal): Promise<void> => {
    const mine = turn.then(async () => {
      current = await store.read(until)
    })
    // A failure is its own caller's, not the next one's.
    turn = mine.catch(() => {})
    return mine
  }
  const follow = async (): Promise<void> => {
    let told: string | undefined
    while (intervalMs > 0) {
      await sleep(intervalMs, undefined, { signal: stopping.signal, ref: false })
      try {
        await refresh(stopping.signal)
        told = undefined
      } catch (error) {
        stopping.signal.throwIfAborted()
        if (told !== String(error)) onError(error)
        told = String(error)
      }
    }
  }
  // It ends by being stopped, and in no other way.
  const followed = follow().catch(() => {})
  return {
    get current() {
      return current
    },
    refresh,
    async stop() {
      stopping.abort()
      await followed
    },
  }
}

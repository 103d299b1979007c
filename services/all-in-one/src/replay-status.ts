import type { StatusSource } from '@usdcop/inference-gateway/console/status'
import type { ConsoleStatus } from '@usdcop/inference-gateway/console/wire'

/** What the console says about the replay; whoever runs the replay keeps it up to date. */
export interface ReplayStatus extends StatusSource {
  update(change: Partial<ConsoleStatus>): void
}

export function createReplayStatus(initial: ConsoleStatus): ReplayStatus {
  let status = initial
  const subscribers = new Set<(status: ConsoleStatus) => void>()
  return {
    current: () => status,
    subscribe(onChange) {
      subscribers.add(onChange)
      return () => subscribers.delete(onChange)
    },
    update(change) {
      status = { ...status, ...change }
      for (const onChange of subscribers) onChange(status)
    },
  }
}

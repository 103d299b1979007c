import type { Redis } from 'ioredis'
import { createLane, type Lane } from './lane.ts'
import { connectBeside, greetingOf } from './lane-socket.ts'

export interface Follower {
  /** Undefined while there is no lane; plain ioredis serves meanwhile. */
  readonly lane: Lane | undefined
}

const TIMEOUT_MS = 2_000
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2_000

/**
 * Keeps a read lane to the server that a client is connected to. The lane lives only while the client
 * is ready, so that it follows it to another master, and ends with it.
 */
export function followNode(client: Redis, onError: (error: Error) => void): Follower {
  let opened: Lane | undefined
  let ready: Lane | undefined
  let retry: NodeJS.Timeout | undefined
  let failures = 0

  function open(): void {
    retry = undefined
    if (opened !== undefined || client.status !== 'ready') return
    const lane = createLane(connectBeside(client), {
      greeting: greetingOf(client),
      timeoutMs: client.options.commandTimeout ?? TIMEOUT_MS,
      onReady: () => {
        ready = lane
        failures = 0
      },
      onClose: (error) => {
        opened = undefined
        ready = undefined
        if (client.status !== 'ready') return
        if (error !== undefined) onError(error)
        const pause = Math.min(FIRST_PAUSE_MS * 2 ** failures++, LONGEST_PAUSE_MS)
        retry = setTimeout(open, pause).unref()
      },
    })
    opened = lane
  }

  client.on('ready', open)
  client.on('close', () => {
    clearTimeout(retry)
    opened?.close()
  })
  open()
  return {
    get lane() {
      return ready
    },
  }
}

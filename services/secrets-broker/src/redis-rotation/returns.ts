import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { addAbortSignal } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { Clock } from '@usdcop/vault/clock'
import type { AclAddress } from './acl.ts'

/** Tells whenever a server is there again after it was away; at most once a second, however it flaps. */
export type FollowReturns = (onReturn: () => void) => AsyncDisposable

const CONNECT_TIMEOUT_MS = 1_000
/** While nobody answers. The last also bounds how late a return is heard of. */
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 500
/** From one that was taken to the next attempt, so that a server that flaps returns no more often. */
const LEAST_BETWEEN_RETURNS_MS = 1_000
/** So is a server missed whose machine has gone without a word. */
const KEEP_ALIVE_MS = 5_000

/**
 * Holds a connection that says nothing, so that its end is heard of at once. Nobody signs in over it: it tells that a server is there,
 * also one that refuses whoever asks.
 */
export function followReturns(
  address: Pick<AclAddress, 'host' | 'port' | 'tls'>,
  clock: Clock,
): FollowReturns {
  return (onReturn) => {
    const ending = new AbortController()
    const { signal } = ending

    async function run(): Promise<void> {
      let away = false
      let pauseMs = FIRST_PAUSE_MS
      while (!signal.aborted) {
        let since: number | undefined
        await heldConnection(address, signal, () => {
          since = clock.now()
          if (away) onReturn()
        })
        away = true
        if (since === undefined) pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
        else pauseMs = Math.max(FIRST_PAUSE_MS, since + LEAST_BETWEEN_RETURNS_MS - clock.now())
        await clock.sleep(pauseMs, signal).catch(() => {})
      }
    }

    const running = run()
    return {
      async [Symbol.asyncDispose]() {
        ending.abort()
        await running
      },
    }
  }
}

/** Resolves when it is over, for whatever reason, and also where it never came to be. */
async function heldConnection(
  { host, port, tls }: Pick<AclAddress, 'host' | 'port' | 'tls'>,
  signal: AbortSignal,
  onConnect: () => void,
): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>()
  const socket: Socket = tls
    ? connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }) })
    : connectPlain({ host, port })
  addAbortSignal(signal, socket)
  socket.setKeepAlive(true, KEEP_ALIVE_MS)
  socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy())
  socket.once(tls ? 'secureConnect' : 'connect', () => {
    socket.setTimeout(0)
    onConnect()
  })
  socket.once('close', () => resolve())
  // Its end follows, and that is all that counts.
  socket.on('error', () => {})
  // What it is told is of no interest, but unread it would hide the end.
  socket.resume()
  await over
}

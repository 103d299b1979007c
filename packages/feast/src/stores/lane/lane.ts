import type { Socket } from 'node:net'
import { ServiceError } from '@usdcop/service/errors'
import { createReplyParser, type Expected } from './reply-parser.ts'

export interface Lane {
  /**
   * Sends commands and resolves when all their replies have been filled in. A caller whose signal fires
   * leaves at once; the replies are read behind it all the same, because the next ones follow them.
   */
  send(bytes: Buffer, expected: readonly Expected[], signal: AbortSignal): Promise<void>
  close(): void
}

export interface LaneOptions {
  /** What is said first, one `+OK` expected for each. */
  readonly greeting: readonly Buffer[]
  /** How long a reply may take. Past it the connection is given up: later replies would be off by one. */
  readonly timeoutMs: number
  readonly onReady: () => void
  /** Called once, when the connection is lost or given up. */
  readonly onClose: (error: Error | undefined) => void
}

/** Requests not yet answered, in bytes: beyond it callers are turned away instead of queued. */
const MAX_BYTES_IN_FLIGHT = 32 * 1024 * 1024

interface Pending {
  readonly expected: readonly Expected[]
  readonly bytes: number
  readonly sentAt: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Pipelines read requests over one socket. Everything sent in one turn of the event loop is one write. */
export function createLane(socket: Socket, options: LaneOptions): Lane {
  const pending: Pending[] = []
  let inFlight = 0
  let asked = 0
  let corked = false
  let closed = false
  let timer: NodeJS.Timeout | undefined
  const parse = createReplyParser(nextExpected, replied)
  let take = greeted(options.greeting.length, () => {
    take = parse
    clearTimeout(greeting)
    options.onReady()
  })

  const greeting = setTimeout(
    () => giveUp(new Error(`redis did not greet within ${options.timeoutMs} ms`)),
    options.timeoutMs,
  ).unref()

  /** The replies of the oldest request that have not come yet. */
  function nextExpected(): Expected | undefined {
    return pending[0]?.expected[asked]
  }

  function replied(): void {
    const [oldest] = pending
    asked++
    if (oldest === undefined || asked < oldest.expected.length) return
    pending.shift()
    asked = 0
    inFlight -= oldest.bytes
    oldest.resolve()
  }

  function giveUp(error: Error | undefined): void {
    if (closed) return
    closed = true
    clearTimeout(timer)
    clearTimeout(greeting)
    socket.destroy()
    for (const { reject } of pending.splice(0)) reject(unavailable(error))
    options.onClose(error)
  }

  /** One timer for all: it looks at the oldest request when the time of an earlier one is over. */
  function watch(delayMs: number): void {
    timer = setTimeout(() => {
      timer = undefined
      const [oldest] = pending
      if (oldest === undefined) return
      const left = oldest.sentAt + options.timeoutMs - performance.now()
      if (left > 0) watch(left)
      else giveUp(new Error(`redis did not answer within ${options.timeoutMs} ms`))
    }, delayMs)
    timer.unref()
  }

  function write(bytes: Buffer): void {
    if (!corked) {
      corked = true
      socket.cork()
      setImmediate(() => {
        corked = false
        socket.uncork()
      })
    }
    socket.write(bytes)
  }

  socket.on('data', (chunk: Buffer) => {
    try {
      take(chunk)
    } catch (error) {
      giveUp(error as Error)
    }
  })
  socket.on('error', giveUp)
  socket.on('close', () => giveUp(undefined))
  for (const line of options.greeting) socket.write(line)
  if (options.greeting.length === 0) socket.once('ready', () => take(Buffer.alloc(0)))

  return {
    send(bytes, expected, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      if (signal.aborted) return Promise.reject(signal.reason as Error)
      if (closed || inFlight + bytes.length > MAX_BYTES_IN_FLIGHT)
        return Promise.reject(unavailable(new Error('too much is asked of redis at once')))
      const leave = () => reject(signal.reason as Error)
      signal.addEventListener('abort', leave, { once: true })
      const stay = () => signal.removeEventListener('abort', leave)
      const request: Pending = {
        expected,
        bytes: bytes.length,
        sentAt: performance.now(),
        resolve() {
          stay()
          resolve()
        },
        reject(error) {
          stay()
          reject(error)
        },
      }
      pending.push(request)
      inFlight += bytes.length
      if (timer === undefined) watch(options.timeoutMs)
      write(bytes)
      return promise
    },
    close: () => giveUp(undefined),
  }
}

/** Takes `+` lines until all have come, whatever chunks they come in. */
function greeted(lines: number, done: () => void): (chunk: Buffer) => void {
  let text = ''
  return (chunk) => {
    text += chunk.toString('latin1')
    const refusal = /(?:^|\n)-(?<message>[^\r]*)\r\n/.exec(text)?.groups?.['message']
    if (refusal !== undefined) throw new Error(`redis refused the read lane: ${refusal}`)
    const come = text.split('\r\n').length - 1
    if (come === lines) done()
    else if (come > lines) throw new Error('redis greeted the read lane with more than was asked')
  }
}

function unavailable(cause: Error | undefined): ServiceError {
  return new ServiceError('store_unavailable', 'the online store does not answer', { cause })
}

import type { ServerResponse } from 'node:http'
import { ServiceError } from '@usdcop/service/errors'
import type { ConsoleFeed } from './feed.ts'
import type { StatusSource } from './status.ts'

const MAX_STREAMS = 64
/** A reader this far behind is let go; it comes back and starts from a new snapshot. */
const MAX_UNREAD_BYTES = 1024 * 1024
const HEARTBEAT_MS = 10_000
const RECONNECT_MS = 1_000

/** Server-sent events for every open console: `tick` a processed bar, `status` on change. */
export class EventStreams {
  readonly #open = new Set<ServerResponse>()
  readonly #heartbeat = setInterval(() => this.#send(': still here\n\n'), HEARTBEAT_MS).unref()
  readonly #status: StatusSource
  readonly #onCount: (open: number) => void
  readonly #unsubscribe: readonly (() => void)[]
  #closed = false

  constructor(feed: ConsoleFeed, status: StatusSource, onCount: (open: number) => void) {
    this.#status = status
    this.#onCount = onCount
    this.#unsubscribe = [
      feed.subscribe((tick) => this.#send(eventText('tick', tick))),
      status.subscribe((news) => this.#send(eventText('status', news))),
    ]
  }

  /** Takes over a response whose headers are the caller's to choose. */
  add(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
    if (this.#closed) throw new ServiceError('not_ready', 'the console is closing')
    if (this.#open.size >= MAX_STREAMS)
      throw new ServiceError('too_many_requests', `at most ${MAX_STREAMS} consoles at a time`)
    // It left while it was let in: no close would come to end its place here.
    if (response.destroyed) return
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
    })
    this.#open.add(response)
    this.#onCount(this.#open.size)
    response.on('close', () => this.#forget(response))
    // A write that meets a connection just lost; the close that follows says all there is to say.
    response.on('error', () => {})
    response.write(`retry: ${RECONNECT_MS}\n\n${eventText('status', this.#status.current())}`)
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#heartbeat)
    for (const stop of this.#unsubscribe) stop()
    for (const response of this.#open) response.end()
  }

  #send(text: string): void {
    for (const response of this.#open) {
      if (response.writableLength <= MAX_UNREAD_BYTES) response.write(text)
      else {
        this.#forget(response)
        response.destroy()
      }
    }
  }

  #forget(response: ServerResponse): void {
    if (this.#open.delete(response)) this.#onCount(this.#open.size)
  }
}

function eventText(name: 'tick' | 'status', data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}

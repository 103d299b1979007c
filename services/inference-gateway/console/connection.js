/**
 * Keeps the page fed: one event stream, and a snapshot whenever a gap may have opened.
 *
 *     connecting ──stream open──▶ syncing ──snapshot──▶ live
 *         ▲                          │                   │
 *         └──────── backoff ─── waiting ◀──── error ─────┘
 *
 * The stream opens before the snapshot is asked for, and what arrives meanwhile is held and replayed
 * over it, so nothing can fall between the two. EventSource's own reconnection is not used: it has
 * no backoff, gives up on an error status, and cannot tell us that we missed something.
 *
 * @import { ConsoleSnapshot, ConsoleStatus, ConsoleTick } from './wire.d.ts'
 */

const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 15_000
const SNAPSHOT_TIMEOUT_MS = 10_000

/** @typedef {{ state: 'connecting' | 'live' } | { state: 'waiting', retryMs: number }} Connection */

/**
 * @typedef {object} Listener
 * @property {(snapshot: ConsoleSnapshot) => void} onSnapshot
 * @property {(tick: ConsoleTick) => void} onTick
 * @property {(status: ConsoleStatus) => void} onStatus
 * @property {(connection: Connection) => void} onConnection
 */

/**
 * Doubles from half a second to 15 s, less up to a quarter, so that many consoles do not return at
 * the same instant.
 *
 * @param {number} attempt 0 for the first retry
 * @param {number} random in [0, 1)
 */
export function retryDelayMs(attempt, random) {
  const full = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt)
  return Math.round(full * (1 - random / 4))
}

export class FeedConnection {
  #listener
  #attempt = 0
  /** @type {EventSource | null} */
  #stream = null
  /** @type {AbortController | null} */
  #fetching = null
  /**
   * Deliveries kept back for the snapshot they belong on top of; null when none is awaited.
   *
   * @type {(() => void)[] | null}
   */
  #held = null
  #newestBarTime = -1
  #retryTimer = 0

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener
  }

  open() {
    this.#drop()
    this.#listener.onConnection({ state: 'connecting' })
    this.#held = []
    const stream = new EventSource('/console/events')
    this.#stream = stream
    stream.onopen = () => void this.#resync()
    stream.onerror = () => this.#retry()
    stream.addEventListener('tick', ({ data }) => this.#receiveTick(JSON.parse(data)))
    stream.addEventListener('status', ({ data }) => {
      const status = JSON.parse(data)
      this.#deliver(() => this.#listener.onStatus(status))
    })
  }

  /** After sleep or a lost network the stream may have missed something, or be dead unknowingly. */
  refresh() {
    if (this.#stream?.readyState === EventSource.OPEN) void this.#resync()
    else this.open()
  }

  async #resync() {
    this.#held ??= []
    this.#fetching?.abort()
    const fetching = new AbortController()
    this.#fetching = fetching
    const signal = AbortSignal.any([fetching.signal, AbortSignal.timeout(SNAPSHOT_TIMEOUT_MS)])
    try {
      const response = await fetch('/console/snapshot', { signal, cache: 'no-store' })
      if (!response.ok) throw new Error(`the snapshot answered ${response.status}`)
      /** @type {ConsoleSnapshot} */
      const snapshot = await response.json()
      if (!fetching.signal.aborted) this.#restart(snapshot)
    } catch {
      if (!fetching.signal.aborted) this.#retry()
    }
  }

  /** @param {ConsoleSnapshot} snapshot */
  #restart(snapshot) {
    this.#attempt = 0
    this.#newestBarTime = snapshot.last?.bar.barTime ?? -1
    this.#listener.onSnapshot(snapshot)
    const held = this.#held ?? []
    this.#held = null
    for (const delivery of held) delivery()
    this.#listener.onConnection({ state: 'live' })
  }

  /**
   * A tick from before what is shown is either one the snapshot already holds, or the server has
   * begun again, and only a snapshot can tell from where.
   *
   * @param {ConsoleTick} tick
   */
  #receiveTick(tick) {
    const { barTime } = tick.bar
    if (!this.#held && barTime < this.#newestBarTime) {
      void this.#resync()
      return
    }
    this.#deliver(() => {
      if (barTime <= this.#newestBarTime) return
      this.#newestBarTime = barTime
      this.#listener.onTick(tick)
    })
  }

  /** @param {() => void} delivery */
  #deliver(delivery) {
    if (this.#held) this.#held.push(delivery)
    else delivery()
  }

  #retry() {
    this.#drop()
    const retryMs = retryDelayMs(this.#attempt, Math.random())
    this.#attempt += 1
    this.#listener.onConnection({ state: 'waiting', retryMs })
    this.#retryTimer = window.setTimeout(() => this.open(), retryMs)
  }

  #drop() {
    clearTimeout(this.#retryTimer)
    this.#fetching?.abort()
    this.#stream?.close()
    this.#stream = null
    this.#held = null
  }
}

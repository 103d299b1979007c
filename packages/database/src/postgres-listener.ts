import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Database } from './database.ts'
import { fromSql } from './sql-errors.ts'

const RETRY_MS = 500
const CHANNEL = /^[a-z_]+$/

type OnNotify = (payload: string) => void

export interface PostgresListener {
  readonly listen: Database['listen']
  /**
   * Goes over to connections of another configuration: the new one listens to every channel before the old one ends, so
   * that nothing is lost between them, and something may be heard twice. Where it rejects the old one stays.
   */
  move(next: pg.ClientConfig): Promise<void>
  close(): Promise<void>
}

/**
 * LISTEN on a connection of its own, made at the first subscription. States:
 *
 * - off: nobody ever listened.
 * - on: connected, and every channel with a subscriber is listened to.
 * - lost: the connection ended; a new one is tried every half second, and then listens to all
 *   channels again. What was notified meanwhile is lost, which `Database.listen` allows.
 * - closed: for good.
 */
export function createListener(first: pg.ClientConfig): PostgresListener {
  const subscribers = new Map<string, Set<OnNotify>>()
  const listened = new WeakMap<pg.Client, Set<string>>()
  const closing = new AbortController()
  let config = first
  let connected: Promise<pg.Client> | undefined
  /** Counts moves: what was begun before one is not to take the place of what came with it. */
  let moves = 0

  const dial = async (to: pg.ClientConfig): Promise<pg.Client> => {
    const client = new pg.Client(to)
    client.on('notification', ({ channel, payload = '' }) => {
      for (const onNotify of subscribers.get(channel) ?? []) onNotify(payload)
    })
    client.on('error', () => {})
    listened.set(client, new Set())
    try {
      await client.connect()
      await listenToAll(client)
    } catch (error) {
      await client.end().catch(() => {})
      throw error
    }
    return client
  }

  const listenToAll = async (client: pg.Client): Promise<void> => {
    const known = listened.get(client)
    for (const channel of subscribers.keys())
      if (known?.has(channel) === false) {
        await client.query(`listen ${channel}`)
        known.add(channel)
      }
  }

  /** From now on it is the one in use, and another is tried for when it ends. */
  const use = (client: pg.Client): pg.Client => {
    const asOf = moves
    client.on('end', () => {
      if (!closing.signal.aborted && asOf === moves) connected = redial()
    })
    return client
  }

  const redial = async (): Promise<pg.Client> => {
    const asOf = moves
    for (;;) {
      await sleep(RETRY_MS, undefined, { signal: closing.signal })
      if (asOf !== moves) throw new Error('another connection has taken its place')
      const client = await dial(config).catch(() => undefined)
      // Still away: try again until closed.
      if (client === undefined) continue
      if (asOf === moves) return use(client)
      await client.end()
    }
  }

  /** The first failure is the subscriber's to see, and the next one tries anew. */
  const firstDial = async (): Promise<pg.Client> => {
    try {
      return use(await dial(config))
    } catch (error) {
      connected = undefined
      throw fromSql(error)
    }
  }

  return {
    listen: async (channel, onNotify, signal) => {
      signal.throwIfAborted()
      if (!CHANNEL.test(channel)) throw new Error(`not a channel name: ${channel}`)
      subscribers.set(channel, (subscribers.get(channel) ?? new Set()).add(onNotify))
      connected ??= firstDial()
      for (let asOf = -1; asOf !== moves; ) {
        asOf = moves
        try {
          await listenToAll(await connected)
        } catch (error) {
          // One that ended because another has taken its place is asked no more.
          if (asOf === moves) throw error
        }
      }
      return async () => {
        subscribers.get(channel)?.delete(onNotify)
      }
    },
    move: async (next) => {
      const old = connected
      if (old === undefined) {
        config = next
        return
      }
      const client = await dial(next)
      config = next
      moves += 1
      connected = Promise.resolve(use(client))
      // Channels that were subscribed to while it was dialling.
      await listenToAll(client)
      await old.then(
        async (left) => await left.end(),
        () => {},
      )
    },
    close: async () => {
      closing.abort()
      await connected?.then(
        async (client) => await client.end(),
        () => {},
      )
    },
  }
}

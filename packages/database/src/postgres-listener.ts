import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Database } from './database.ts'
import { fromSql } from './sql-errors.ts'

const RETRY_MS = 500
const CHANNEL = /^[a-z_]+$/

type OnNotify = (payload: string) => void

export interface PostgresListener {
  readonly listen: Database['listen']
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
export function createListener(config: pg.ClientConfig): PostgresListener {
  const subscribers = new Map<string, Set<OnNotify>>()
  const closing = new AbortController()
  let connected: Promise<pg.Client> | undefined

  const dial = async (): Promise<pg.Client> => {
    const client = new pg.Client(config)
    client.on('notification', ({ channel, payload = '' }) => {
      for (const onNotify of subscribers.get(channel) ?? []) onNotify(payload)
    })
    client.on('error', () => {})
    await client.connect()
    for (const channel of subscribers.keys()) await client.query(`listen ${channel}`)
    client.on('end', () => {
      if (!closing.signal.aborted) connected = redial()
    })
    return client
  }

  const redial = async (): Promise<pg.Client> => {
    for (;;) {
      await sleep(RETRY_MS, undefined, { signal: closing.signal })
      try {
        return await dial()
      } catch {
        // Still away: try again until closed.
      }
    }
  }

  /** The first failure is the subscriber's to see, and the next one tries anew. */
  const firstDial = async (): Promise<pg.Client> => {
    try {
      return await dial()
    } catch (error) {
      connected = undefined
      throw fromSql(error)
    }
  }

  return {
    listen: async (channel, onNotify, signal) => {
      signal.throwIfAborted()
      if (!CHANNEL.test(channel)) throw new Error(`not a channel name: ${channel}`)
      const known = subscribers.get(channel)
      subscribers.set(channel, (known ?? new Set()).add(onNotify))
      connected ??= firstDial()
      const client = await connected
      if (known === undefined) await client.query(`listen ${channel}`)
      return async () => {
        subscribers.get(channel)?.delete(onNotify)
      }
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

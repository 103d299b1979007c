import { setImmediate as turn } from 'node:timers/promises'
import { openConnections, type Target } from './connections.ts'

export interface Loaded {
  readonly count: number
  readonly perSecond: number
}

/** So many connections, each asking again when it has its answer. */
export async function closedLoop(
  target: Target,
  request: string,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): Promise<Loaded> {
  const open = await openConnections(target, connections)
  const begun = performance.now()
  const until = begun + seconds * 1_000
  let count = 0
  const loops = open.map(async (connection) => {
    while (performance.now() < until) {
      await connection.ask(request)
      count += 1
    }
  })
  try {
    await Promise.all(loops)
  } finally {
    for (const connection of open) connection[Symbol.dispose]()
  }
  return { count, perSecond: (count * 1_000) / (performance.now() - begun) }
}

/**
 * Milliseconds from when each request was due until its whole answer was there. A request that is late because those
 * before it were slow, or because this process was, is charged for the wait. Between two it turns its event loop, because a
 * timer is late by up to a millisecond.
 */
export async function fixedRate(
  target: Target,
  request: string,
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<readonly number[]> {
  const open = await openConnections(target, 32)
  // A server may still be about to accept them, and none of its work for them is what is measured.
  await Promise.all(open.map((connection) => connection.ask(request)))
  const free = [...open]
  const took: number[] = []
  const underWay = new Set<Promise<void>>()
  const count = perSecond * seconds
  const begun = performance.now()
  try {
    for (let sent = 0; sent < count; ) {
      const due = begun + (sent * 1_000) / perSecond
      const connection = performance.now() < due ? undefined : free.pop()
      if (connection !== undefined) {
        sent += 1
        const asked = connection.ask(request).then(() => {
          took.push(performance.now() - due)
          free.push(connection)
          underWay.delete(asked)
        })
        underWay.add(asked)
      } else await turn()
    }
    await Promise.all(underWay)
  } finally {
    for (const connection of open) connection[Symbol.dispose]()
  }
  return took
}

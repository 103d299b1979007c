import { ServiceError } from '@usdcop/service/errors'
import type { Redis } from 'ioredis'
import { emptyHashes, type HashAsk, type Hashes, type HashSource } from '../hash-source.ts'
import { followNode } from './follow-node.ts'
import { hmgetBytes } from './hmget-bytes.ts'
import type { Lane } from './lane.ts'

/** A hash that the server did not give. */
export interface Refusal {
  /** Which ask, and which of its keys. */
  readonly ask: number
  readonly key: number
  readonly message: string
}

/** Hashes over the read lane of one node, and through ioredis while there is none. */
export function laneHashes(
  client: Redis,
  suffix: Buffer,
  plain: HashSource,
  onError: (error: Error) => void,
): HashSource {
  const follower = followNode(client, onError)
  return {
    fetch(asks, signal) {
      const { lane } = follower
      if (lane === undefined) return plain.fetch(asks, signal)
      return fetchOver(lane, asks, suffix, signal).then(({ hashes, refusals }) => {
        if (refusals.length > 0) throw refused(refusals)
        return hashes
      })
    },
  }
}

export async function fetchOver(
  lane: Lane,
  asks: readonly HashAsk[],
  suffix: Buffer,
  signal: AbortSignal,
): Promise<{ readonly hashes: readonly Hashes[]; readonly refusals: readonly Refusal[] }> {
  const hashes = asks.map(emptyHashes)
  const refusals: Refusal[] = []
  const replies = asks.map(({ keys, list }, ask) => ({
    rows: keys.length,
    width: list.fields.length,
    hashes: hashes[ask] as Hashes,
    failed: (key: number, message: string) => refusals.push({ ask, key, message }),
  }))
  const expected = replies.filter(({ rows }) => rows > 0)
  if (expected.length > 0) await lane.send(hmgetBytes(asks, suffix), expected, signal)
  return { hashes, refusals }
}

/** The server's words stay in the cause: they may tell a key. */
export function refused([first]: readonly Refusal[]): ServiceError {
  return new ServiceError('store_unavailable', 'the online store does not answer', {
    cause: new Error(first?.message),
  })
}

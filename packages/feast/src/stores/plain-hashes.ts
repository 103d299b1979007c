import { emptyHashes, type HashAsk, type Hashes, type HashSource } from './hash-source.ts'
import { type BatchCommand, executeBatch, type RedisClient } from './redis-batch.ts'
import { redisKey } from './redis-rows.ts'

type Cells = readonly (Buffer | null)[]

/** Hashes through ioredis: the reference for the read lane, and what serves while that is away. */
export function plainHashes(client: RedisClient, suffix: Buffer): HashSource {
  return {
    async fetch(asks, signal) {
      const commands = asks.flatMap(({ keys, list }) =>
        keys.map((entity): BatchCommand => {
          const key = redisKey(entity, suffix)
          return { key, issue: (to) => to.hmgetBuffer(key, ...list.fields) }
        }),
      )
      const replies = (await executeBatch(client, commands, signal)) as Cells[]
      let next = 0
      return asks.map((ask) => {
        const own = replies.slice(next, next + ask.keys.length)
        next += ask.keys.length
        return packed(ask, own)
      })
    },
  }
}

function packed(ask: HashAsk, replies: readonly Cells[]): Hashes {
  const hashes = emptyHashes(ask)
  let cell = hashes.first
  for (const values of replies) {
    hashes.buffers.push(Buffer.concat(values.filter((value) => value !== null)))
    let at = 0
    for (const value of values) {
      hashes.cells[cell++] = value === null ? -1 : at
      at += value?.length ?? 0
      hashes.cells[cell++] = at
    }
  }
  return hashes
}

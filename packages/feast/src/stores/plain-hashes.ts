import { type Cluster, Redis } from 'ioredis'
import { emptyHashes, type HashAsk, type Hashes, type HashSource } from './hash-source.ts'
import { execute, unavailable } from './redis-pipeline.ts'
import { redisKey } from './redis-rows.ts'
import { untilAborted } from './until-aborted.ts'

type Cells = readonly (Buffer | null)[]

/** Hashes through ioredis: the reference for the read lane, and what serves while that is away. */
export function plainHashes(client: Redis | Cluster, suffix: Buffer): HashSource {
  const fetchAll = client instanceof Redis ? pipelined(client) : oneByOne(client)
  return {
    async fetch(asks, signal) {
      const commands = asks.flatMap(({ keys, list }) =>
        keys.map((key) => ({ key: redisKey(key, suffix), fields: list.fields })),
      )
      const replies = await fetchAll(commands, signal)
      let next = 0
      return asks.map((ask) => {
        const own = replies.slice(next, next + ask.keys.length)
        next += ask.keys.length
        return packed(ask, own)
      })
    },
  }
}

interface Command {
  readonly key: Buffer
  readonly fields: readonly Buffer[]
}

type FetchAll = (commands: readonly Command[], signal: AbortSignal) => Promise<readonly Cells[]>

function pipelined(client: Redis): FetchAll {
  return async (commands, signal) => {
    const pipeline = client.pipeline()
    for (const { key, fields } of commands) pipeline.hmgetBuffer(key, ...fields)
    return (await execute(pipeline, signal)) as Cells[]
  }
}

/** A pipeline of ioredis must stay on one node; it sends each command to its own. */
function oneByOne(client: Cluster): FetchAll {
  return async (commands, signal) => {
    signal.throwIfAborted()
    const replies = Promise.all(
      commands.map(({ key, fields }) => client.hmgetBuffer(key, ...fields)),
    )
    return await untilAborted(replies, signal).catch((cause: unknown) => unavailable(cause, signal))
  }
}

function packed(ask: HashAsk, replies: readonly Cells[]): Hashes {
  const hashes = emptyHashes(ask)
  let cell = 0
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

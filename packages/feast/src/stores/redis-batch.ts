import { type Cluster, Redis } from 'ioredis'
import { execute, unavailable } from './redis-pipeline.ts'
import { keySlot } from './redis-slot.ts'
import { untilAborted } from './until-aborted.ts'

export type RedisClient = Redis | Cluster

/** What a batch may hold; pipelines take it and answer later, a Cluster answers with a promise. */
export interface BatchTarget {
  hmgetBuffer(key: Buffer, ...fields: Buffer[]): unknown
  writeOnlineRow(key: Buffer, ...args: (Buffer | number | string)[]): unknown
  eraseOnlineView(key: Buffer, ...args: Buffer[]): unknown
  unlink(key: Buffer): unknown
}

export interface BatchCommand {
  readonly key: Buffer
  issue(to: BatchTarget): unknown
}

type PipelineResults = [error: Error | null, reply: unknown][]

/** The key is not where the slot map said: the command did not run. */
const ELSEWHERE = /^(MOVED|ASK|TRYAGAIN) /
/** ioredis followed one of the keys, tried the whole pipeline again and refused it; no write ran. */
const SCATTERED = /slots allocation group/

/** The replies in order, from one pipeline a node; one error among them fails the batch. */
export async function executeBatch(
  client: RedisClient,
  commands: readonly BatchCommand[],
  signal: AbortSignal,
): Promise<unknown[]> {
  signal.throwIfAborted()
  if (commands.length === 0) return []
  if (client instanceof Redis) {
    const pipeline = client.pipeline()
    for (const command of commands) command.issue(pipeline)
    return execute(pipeline, signal)
  }
  return untilAborted(executeOnNodes(client, commands), signal).catch((cause: unknown) =>
    unavailable(cause, signal),
  )
}

async function executeOnNodes(
  cluster: Cluster,
  commands: readonly BatchCommand[],
): Promise<unknown[]> {
  // A pipeline of a cluster that is not connected yet would wait for it.
  if (cluster.status !== 'ready') throw new Error('the cluster is not connected')
  const replies = Array.from<unknown>({ length: commands.length })
  const nodes = [...byNode(cluster, commands)].map(async ([, indices]) => {
    const pipeline = cluster.pipeline()
    for (const index of indices) commands[index]?.issue(pipeline)
    const results = await pipeline.exec().catch((error: Error): PipelineResults => {
      if (!SCATTERED.test(error.message)) throw error
      return indices.map(() => [error, undefined])
    })
    const settled = indices.map(async (index, at) => {
      const [error, reply] = results?.[at] ?? [null, undefined]
      if (error === null) replies[index] = reply
      else if (!ELSEWHERE.test(error.message) && !SCATTERED.test(error.message)) throw error
      else replies[index] = await commands[index]?.issue(cluster)
    })
    await Promise.all(settled)
  })
  await Promise.all(nodes)
  return replies
}

/** ioredis takes a pipeline only of slots that the very same nodes serve. */
function byNode(cluster: Cluster, commands: readonly BatchCommand[]): Map<string, number[]> {
  const groups = new Map<string, number[]>()
  for (const [index, { key }] of commands.entries()) {
    const nodes = cluster.slots[keySlot(key)]?.join(' ') ?? ''
    const group = groups.get(nodes)
    if (group === undefined) groups.set(nodes, [index])
    else group.push(index)
  }
  return groups
}

import type { Redis } from 'ioredis'
import type { OnlineStore, StoredRow, ViewRead } from './online-store.ts'
import { execute } from './redis-pipeline.ts'
import { fieldsOf, redisKey, rowFrom } from './redis-rows.ts'

/** The reading half of the Redis store through plain ioredis. */
export function createRedisReader(client: Redis, project: string): Pick<OnlineStore, 'read'> {
  const suffix = Buffer.from(project, 'utf8')
  const fields = createFieldCache()
  return {
    async read(reads, signal) {
      const pipeline = client.pipeline()
      const groups = [...groupByKeys(reads)]
      for (const [keys, views] of groups) {
        const asked = views.flatMap(({ read }) => fields(read))
        for (const key of keys) pipeline.hmgetBuffer(redisKey(key, suffix), ...asked)
      }
      const replies = (await execute(pipeline, signal)) as (Buffer | null)[][]
      const rows: (StoredRow | undefined)[][] = reads.map(() => [])
      let next = 0
      for (const [keys, views] of groups) {
        for (const _key of keys) {
          const cells = replies[next++] ?? []
          let start = 0
          for (const { read, index } of views) {
            const end = start + read.features.length + 1
            rows[index]?.push(rowFrom(cells.slice(start, end)))
            start = end
          }
        }
      }
      return rows
    },
  }
}

/** Views of the same entities share a hash, so one HMGET an entity serves them all. */
function groupByKeys(
  reads: readonly ViewRead[],
): Map<readonly Buffer[], { read: ViewRead; index: number }[]> {
  const groups = new Map<readonly Buffer[], { read: ViewRead; index: number }[]>()
  for (const [index, read] of reads.entries()) {
    const group = groups.get(read.keys)
    if (group === undefined) groups.set(read.keys, [{ read, index }])
    else group.push({ read, index })
  }
  return groups
}

/** Plans are cached and keep their feature lists, so the list itself names its fields. */
function createFieldCache(): (read: ViewRead) => readonly Buffer[] {
  const cache = new WeakMap<readonly string[], { view: string; fields: readonly Buffer[] }>()
  return ({ view, features }) => {
    const known = cache.get(features)
    if (known?.view === view) return known.fields
    const fields = fieldsOf(view, features)
    cache.set(features, { view, fields })
    return fields
  }
}

import { once } from 'node:events'
import { connectRedis } from '@usdcop/feast/stores/redis-store'

/** The hashes of one Redis, with every byte as hex. */
export interface RedisRows extends Disposable {
  /** Those under keys that were not there when this was opened, or last forgotten about. */
  fresh(): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>>
  /** Deletes the fresh ones, so that another server may write the same rows. */
  forget(): Promise<void>
  /** Keeps them: they are not fresh any more. */
  keep(): Promise<void>
}

export async function redisRows(url: string): Promise<RedisRows> {
  const client = connectRedis(url, () => {})
  await once(client, 'ready')
  let known = new Set(await keys())
  async function keys(): Promise<string[]> {
    return (await client.keysBuffer('*')).map((key) => key.toString('hex'))
  }
  async function freshKeys(): Promise<string[]> {
    return (await keys()).filter((key) => !known.has(key)).sort()
  }
  return {
    async fresh() {
      const rows = new Map<string, Readonly<Record<string, string>>>()
      for (const key of await freshKeys()) {
        const reply = (await client.callBuffer('HGETALL', Buffer.from(key, 'hex'))) as Buffer[]
        const texts = reply.map((each) => each.toString('hex'))
        const pairs = texts.flatMap((text, i) => (i % 2 === 0 ? [[text, texts[i + 1] ?? '']] : []))
        rows.set(key, Object.fromEntries(pairs) as Record<string, string>)
      }
      return rows
    },
    async forget() {
      for (const key of await freshKeys()) await client.del(Buffer.from(key, 'hex'))
    },
    async keep() {
      known = new Set(await keys())
    },
    [Symbol.dispose]: () => client.disconnect(),
  }
}

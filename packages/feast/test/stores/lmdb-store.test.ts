import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openLmdbStore } from '../../src/stores/lmdb-store.ts'
import { entityKey } from '../../src/wire/entity-key.ts'
import { describeOnlineStore } from './store-suite.ts'

const signal = AbortSignal.timeout(30_000)
const key = entityKey([['symbol', { type: 'STRING', value: 'USD/COP' }]])
const read = [{ view: 'bars', features: ['close'], keys: [key] }]

async function temporary() {
  const directory = await mkdtemp(join(tmpdir(), 'usdcop-lmdb-'))
  return {
    directory,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}

describeOnlineStore('the LMDB store', async () => {
  const place = await temporary()
  const first = openLmdbStore(place.directory, 'demo')
  const second = openLmdbStore(place.directory, 'demo')
  return {
    first,
    second,
    async dispose() {
      await first.close()
      await second.close()
      await place[Symbol.asyncDispose]()
    },
  }
})

test('keeps what it acknowledged when its process is killed', async () => {
  await using place = await temporary()
  const writer = `
    import { openLmdbStore } from ${JSON.stringify(new URL('../../src/stores/lmdb-store.ts', import.meta.url).href)}
    const store = openLmdbStore(${JSON.stringify(place.directory)}, 'demo')
    const values = new Map([['close', { type: 'DOUBLE', value: 4123.5 }]])
    const row = { entityKey: Buffer.from('${key.toString('hex')}', 'hex'), eventTimestamp: 1000, values }
    await store.write('bars', [row], AbortSignal.timeout(10000))
    process.kill(process.pid, 'SIGKILL')
  `
  const killed = spawnSync(process.execPath, ['--input-type=module', '--eval', writer])
  expect(killed.signal).toBe('SIGKILL')
  const store = openLmdbStore(place.directory, 'demo')
  expect(await store.read(read, signal)).toEqual([
    [{ eventTimestamp: 1_000, values: [{ type: 'DOUBLE', value: 4_123.5 }] }],
  ])
  await store.close()
})

test('keeps projects in one directory apart', async () => {
  await using place = await temporary()
  const demo = openLmdbStore(place.directory, 'demo')
  const other = openLmdbStore(place.directory, 'other')
  const values = new Map([['close', { type: 'DOUBLE', value: 1 } as const]])
  await demo.write('bars', [{ entityKey: key, eventTimestamp: 1, values }], signal)
  expect(await other.read(read, signal)).toEqual([[undefined]])
  await demo.close()
  await other.close()
})

test('copies of a row no more than the row: small rows of one read share a buffer', async () => {
  await using place = await temporary()
  const store = openLmdbStore(place.directory, 'demo')
  const keys = Array.from({ length: 50 }, (_, id) =>
    entityKey([['symbol', { type: 'STRING', value: `S${id}` }]]),
  )
  const values = new Map([['close', { type: 'DOUBLE', value: 1 } as const]])
  const rows = keys.map((one) => ({ entityKey: one, eventTimestamp: 1, values }))
  await store.write('bars', rows, signal)
  const [packed] = await store.readPacked([{ view: 'bars', features: ['close'], keys }], signal)
  expect(new Set(packed?.buffers).size).toBe(1)
  await store.close()
})

test('answers store_unavailable once it is closed', async () => {
  await using place = await temporary()
  const store = openLmdbStore(place.directory, 'demo')
  await store.close()
  await store.close()
  const unavailable = expect.objectContaining({ code: 'store_unavailable' })
  await expect(store.read(read, signal)).rejects.toEqual(unavailable)
  await expect(store.write('bars', [], signal)).rejects.toEqual(unavailable)
  await expect(store.ping(signal)).rejects.toEqual(unavailable)
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OnlineRow, OnlineStore, ViewRead } from '../../src/stores/online-store.ts'
import { entityKey } from '../../src/wire/entity-key.ts'
import type { Value } from '../../src/wire/value.ts'

export interface StoreUnderTest {
  /** Two handles on the same data, as two processes would hold. */
  readonly first: OnlineStore
  readonly second: OnlineStore
  dispose(): Promise<void>
}

const signal = AbortSignal.timeout(30_000)
const NOW = Date.UTC(2025, 2, 3, 15, 30)
const VALUES: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['double', { type: 'DOUBLE', value: -0.1 }],
  ['int64', { type: 'INT64', value: 9_007_199_254_740_993n }],
  ['text', { type: 'STRING', value: 'dólar' }],
  ['nothing', null],
  ['list', { type: 'DOUBLE_LIST', value: [1, Number.NaN, -0] }],
])

let count = 0
/** Every test has an entity of its own, so that no test sees another's rows. */
function freshKey(text = `entity-${count++}`): Buffer {
  return entityKey([['symbol', { type: 'STRING', value: text }]])
}

function row(key: Buffer, eventTimestamp: number, values: Record<string, number>): OnlineRow {
  return {
    entityKey: key,
    eventTimestamp,
    values: new Map(
      Object.entries(values).map(([name, value]) => [name, { type: 'DOUBLE', value }]),
    ),
  }
}

/** What every online store must do, whatever holds its rows. */
export function describeOnlineStore(name: string, start: () => Promise<StoreUnderTest>): void {
  describe(`${name}`, () => {
    let stores: StoreUnderTest
    beforeAll(async () => {
      stores = await start()
    })
    afterAll(async () => {
      await stores.dispose()
    })

    async function readOne(key: Buffer, features: readonly string[], view = 'bars') {
      const rows = await stores.second.read([{ view, features, keys: [key] }], signal)
      return rows[0]?.[0]
    }

    test('reads back every value, its time to the microsecond, in the order asked for', async () => {
      const key = freshKey()
      const eventTimestamp = NOW + 0.125
      expect(
        await stores.first.write(
          'bars',
          [{ entityKey: key, eventTimestamp, values: VALUES }],
          signal,
        ),
      ).toEqual(['written'])
      const features = ['list', 'nothing', 'text', 'int64', 'double']
      expect(await readOne(key, features)).toEqual({
        eventTimestamp,
        values: features.map((feature) => VALUES.get(feature)),
      })
    })

    test('knows no row of an entity or a view that was never written', async () => {
      const key = freshKey()
      await stores.first.write('bars', [row(key, NOW, { close: 1 })], signal)
      const reads: ViewRead[] = [
        { view: 'bars', features: ['close'], keys: [freshKey(), key] },
        { view: 'other', features: ['close'], keys: [key] },
      ]
      expect(await stores.first.read(reads, signal)).toEqual([
        [undefined, { eventTimestamp: NOW, values: [{ type: 'DOUBLE', value: 1 }] }],
        [undefined],
      ])
    })

    test('tells a feature never written from a stored null', async () => {
      const key = freshKey()
      await stores.first.write(
        'bars',
        [{ entityKey: key, eventTimestamp: NOW, values: new Map([['empty', null]]) }],
        signal,
      )
      expect(await readOne(key, ['missing', 'empty'])).toEqual({
        eventTimestamp: NOW,
        values: [undefined, null],
      })
    })

    test('keeps the features a later row does not name', async () => {
      const key = freshKey()
      await stores.first.write('bars', [row(key, NOW, { open: 1, close: 2 })], signal)
      await stores.first.write('bars', [row(key, NOW + 1, { close: 3 })], signal)
      expect(await readOne(key, ['open', 'close'])).toEqual({
        eventTimestamp: NOW + 1,
        values: [
          { type: 'DOUBLE', value: 1 },
          { type: 'DOUBLE', value: 3 },
        ],
      })
    })

    test.for([
      { name: 'an older row', laterBy: -1, outcome: 'older', close: 1 },
      { name: 'a row of the same instant', laterBy: 0, outcome: 'older', close: 1 },
      { name: 'a row older by a microsecond', laterBy: -0.001, outcome: 'older', close: 1 },
      { name: 'a row newer by a microsecond', laterBy: 0.001, outcome: 'written', close: 2 },
      { name: 'a newer row', laterBy: 1, outcome: 'written', close: 2 },
    ])('answers $outcome to $name', async ({ laterBy, outcome, close }) => {
      const key = freshKey()
      await stores.first.write('bars', [row(key, NOW, { close: 1 })], signal)
      expect(
        await stores.second.write('bars', [row(key, NOW + laterBy, { close: 2 })], signal),
      ).toEqual([outcome])
      expect((await readOne(key, ['close']))?.values).toEqual([{ type: 'DOUBLE', value: close }])
    })

    test('orders instants before 1970 as any other', async () => {
      const key = freshKey()
      await stores.first.write('bars', [row(key, -2_000, { close: 1 })], signal)
      const outcomes = await stores.first.write(
        'bars',
        [row(key, -3_000, { close: 2 }), row(key, -1_500, { close: 3 }), row(key, 0, { close: 4 })],
        signal,
      )
      expect(outcomes).toEqual(['older', 'written', 'written'])
      expect(await readOne(key, ['close'])).toEqual({
        eventTimestamp: 0,
        values: [{ type: 'DOUBLE', value: 4 }],
      })
    })

    test('keeps the newest of many rows for one entity in one batch', async () => {
      const key = freshKey()
      const rows = [2, 5, 1, 5, 3].map((minute) => row(key, NOW + minute, { close: minute }))
      expect(await stores.first.write('bars', rows, signal)).toEqual([
        'written',
        'written',
        'older',
        'older',
        'older',
      ])
      expect(await readOne(key, ['close'])).toEqual({
        eventTimestamp: NOW + 5,
        values: [{ type: 'DOUBLE', value: 5 }],
      })
    })

    test('lets the newest row win whatever the order in which two writers come', async () => {
      const key = freshKey()
      const instants = Array.from({ length: 100 }, (_, index) => (index * 37) % 100)
      await Promise.all(
        instants.map((instant, index) =>
          (index % 2 === 0 ? stores.first : stores.second).write(
            'bars',
            [row(key, NOW + instant, { close: instant, twice: instant * 2 })],
            signal,
          ),
        ),
      )
      expect(await readOne(key, ['close', 'twice'])).toEqual({
        eventTimestamp: NOW + 99,
        values: [
          { type: 'DOUBLE', value: 99 },
          { type: 'DOUBLE', value: 198 },
        ],
      })
    })

    test('reads views of different entities in one call', async () => {
      const symbol = freshKey()
      const account = entityKey([['account', { type: 'INT64', value: 7n }]])
      await stores.first.write('bars', [row(symbol, NOW, { close: 1 })], signal)
      await stores.first.write('state', [row(symbol, NOW + 1, { position: 2 })], signal)
      await stores.first.write('accounts', [row(account, NOW + 2, { cash: 3 })], signal)
      const shared = [symbol, freshKey()]
      const rows = await stores.second.read(
        [
          { view: 'bars', features: ['close'], keys: shared },
          { view: 'accounts', features: ['cash'], keys: [account] },
          { view: 'state', features: ['position'], keys: shared },
        ],
        signal,
      )
      expect(rows.map((view) => view.map((stored) => stored?.eventTimestamp))).toEqual([
        [NOW, undefined],
        [NOW + 2],
        [NOW + 1, undefined],
      ])
    })

    test('keeps entities with very long names apart', async () => {
      const long = 'x'.repeat(5_000)
      const keys = [freshKey(`${long}a`), freshKey(`${long}b`)]
      const rows = keys.map((key, index) => row(key, NOW, { close: index }))
      await stores.first.write('bars', rows, signal)
      const read = await stores.second.read([{ view: 'bars', features: ['close'], keys }], signal)
      expect(read[0]?.map((stored) => stored?.values[0])).toEqual([
        { type: 'DOUBLE', value: 0 },
        { type: 'DOUBLE', value: 1 },
      ])
    })

    test('reads nothing from no keys and writes nothing from no rows', async () => {
      expect(
        await stores.first.read([{ view: 'bars', features: ['a'], keys: [] }], signal),
      ).toEqual([[]])
      expect(await stores.first.write('bars', [], signal)).toEqual([])
    })

    test('answers a ping', async () => {
      await expect(stores.first.ping(signal)).resolves.toBeUndefined()
    })

    test('gives up with the reason of an aborted signal', async () => {
      const gone = AbortSignal.abort(new Error('the caller left'))
      const read = [{ view: 'bars', features: ['close'], keys: [freshKey()] }]
      await expect(stores.first.read(read, gone)).rejects.toThrow('the caller left')
      await expect(stores.first.write('bars', [row(freshKey(), 1, {})], gone)).rejects.toThrow(
        'the caller left',
      )
      await expect(stores.first.ping(gone)).rejects.toThrow('the caller left')
    })
  })
}

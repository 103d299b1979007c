import type { OnlineRow, OnlineStore, StoredRow } from '@usdcop/feast/stores/online-store'
import { openOnlineStore } from '@usdcop/feast/stores/open-store'
import { entityKey } from '@usdcop/feast/wire/entity-key'
import type { Value } from '@usdcop/feast/wire/value'
import { expect, test } from 'vitest'
import { redisConfig } from '../support/redis-config.ts'
import { startRedisNode } from '../support/redis-node.ts'
import { until } from '../support/until.ts'
import { seededRandom } from './seeded-random.ts'

const ENTITIES = 50
const BATCH = 40
const VIEWS = ['left', 'right']
const FEATURES = ['event', 'entity', 'product']
const KEYS = Array.from({ length: ENTITIES }, (_, id) =>
  entityKey([['id', { type: 'INT64', value: BigInt(id) }]]),
)

/** Every value tells which event and which entity it is of. */
function valuesOf(entity: number, event: number): Value[] {
  return [event, entity, entity * event].map((value) => ({ type: 'INT64', value: BigInt(value) }))
}

/**
 * Tests that of two writers who race for the same entities the newest event stands in the end, and
 * that whoever reads meanwhile never sees values of two events in one row.
 */
export function testRace(writes: number, seed: number): void {
  test(`the newest of ${writes} racing writes stands, and no row is ever mixed (seed ${seed})`, async ({
    signal,
  }) => {
    await using redis = await startRedisNode()
    const stores: OnlineStore[] = []
    for (let index = 0; index < 3; index++)
      stores.push(openOnlineStore(redisConfig([redis]), 'race', { onError: () => {} }))
    const [first, second, reader] = stores as [OnlineStore, OnlineStore, OnlineStore]
    for (const store of stores)
      await until(
        () =>
          store.ping(signal).then(
            () => true,
            () => false,
          ),
        'the store is connected',
      )

    const events = Math.ceil(writes / (ENTITIES * VIEWS.length))
    const random = seededRandom(seed)
    const all = Array.from({ length: events * ENTITIES }, (_, index) => ({
      entity: index % ENTITIES,
      event: 1 + Math.floor(index / ENTITIES),
    }))
    shuffle(all, random)
    const half = all.length / 2
    let writing = 2
    const write = async (store: OnlineStore, rows: typeof all) => {
      for (let at = 0; at < rows.length; at += BATCH)
        for (const view of VIEWS) {
          const batch = rows.slice(at, at + BATCH).map(({ entity, event }) => rowOf(entity, event))
          await store.write(view, batch, signal)
        }
      writing -= 1
    }
    let reads = 0
    let changes = 0
    const read = async () => {
      let before: readonly number[] = []
      while (writing > 0) {
        const rows = await readAll(reader, signal)
        const times = rows.map(({ row }) => row?.eventTimestamp ?? 0)
        for (const { row, entity } of rows) if (row !== undefined) expectWhole(row, entity)
        // A row may be overtaken, but never goes back.
        expect(times.every((time, index) => time >= (before[index] ?? 0))).toBe(true)
        if (times.some((time, index) => time > (before[index] ?? 0))) changes += 1
        before = times
        reads += 1
      }
    }
    await Promise.all([write(first, all.slice(0, half)), write(second, all.slice(half)), read()])

    for (const { row, entity } of await readAll(reader, signal))
      expect(row).toEqual({ eventTimestamp: events, values: valuesOf(entity, events) })
    // The reader was there while rows changed.
    expect(changes).toBeGreaterThan(3)
    process.stdout.write(`${2 * all.length} writes, ${reads} reads, ${changes} of them saw news\n`)
    for (const store of stores) await store.close()
  })
}

function rowOf(entity: number, event: number): OnlineRow {
  const values = valuesOf(entity, event)
  return {
    entityKey: KEYS[entity] as Buffer,
    eventTimestamp: event,
    values: new Map(FEATURES.map((name, index) => [name, values[index] as Value])),
  }
}

async function readAll(
  store: OnlineStore,
  signal: AbortSignal,
): Promise<{ row: StoredRow | undefined; entity: number }[]> {
  const reads = VIEWS.map((view) => ({ view, features: FEATURES, keys: KEYS }))
  const found = await store.read(reads, signal)
  return found.flatMap((rows) => rows.map((row, entity) => ({ row, entity })))
}

function expectWhole(row: StoredRow, entity: number): void {
  expect(row.values).toEqual(valuesOf(entity, row.eventTimestamp))
}

function shuffle(items: unknown[], random: () => number): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[items[last], items[other]] = [items[other], items[last]]
  }
}

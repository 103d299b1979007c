import type { Database } from '@usdcop/database/database'
import { notify } from '@usdcop/database/database'
import { float8, float8Array, intArray, textArray } from '@usdcop/database/encode'
import { afterAll, beforeAll, expect, test } from 'vitest'

const signal = AbortSignal.timeout(120_000)

const float64 = (value: number) => Buffer.from(new Float64Array([value]).buffer).toString('hex')
const AWKWARD = [0, -0, Number.NaN, Infinity, -Infinity, 0.1, 1e-320, 2 ** 53 + 1, -1e300, 1 / 3]

/** What the port promises, whichever driver stands behind it. */
export function databaseSuite(open: () => Promise<Database>): void {
  let database: Database
  beforeAll(async () => {
    database = await open()
    await database.transaction(async (tx) => {
      await tx.script('create table kept (a int primary key); create table listed (a int)', signal)
    }, signal)
  }, 120_000)
  afterAll(async () => await database.close())

  const rows = async (sql: string, params: unknown[] = []) =>
    await database.query<Record<string, unknown>>(sql, params, signal)

  test('reads the same JavaScript values on every driver', async () => {
    expect(
      await rows(`select 9007199254740991::int8 as safe, 9007199254740993::int8 as beyond,
        '2024-02-29'::date as day, timestamptz '2024-02-29 13:00:00.123+00' as instant,
        '\\x00ff10'::bytea as bytes, '{"a": [1, null]}'::jsonb as json, true as yes,
        '{1.5,NaN}'::float8[] as floats, '{"a b",NULL}'::text[] as texts, null as nothing`),
    ).toStrictEqual([
      {
        safe: 9007199254740991,
        beyond: 9007199254740993n,
        day: '2024-02-29',
        instant: new Date('2024-02-29T13:00:00.123Z'),
        bytes: new Uint8Array([0, 255, 16]),
        json: { a: [1, null] },
        yes: true,
        floats: [1.5, Number.NaN],
        texts: ['a b', null],
        nothing: null,
      },
    ])
  })

  test('carries a float64 there and back bit for bit, alone and in an array', async () => {
    const [row] = await database.query<{ all: number[] }>(
      'select $1::float8[] as all',
      [float8Array(AWKWARD)],
      signal,
    )
    expect(row?.all.map(float64)).toEqual(AWKWARD.map(float64))
    for (const value of AWKWARD) {
      const [alone] = await database.query<{ value: number }>(
        'select $1::float8 as value',
        [float8(value)],
        signal,
      )
      expect(float64(alone?.value ?? 1)).toBe(float64(value))
    }
  })

  test('encodes text and integer arrays with quotes, backslashes, commas and nulls', async () => {
    const texts = ['', 'NULL', 'a,b', 'a"b', 'a\\b', '{}', 'ñ\n', null]
    expect(
      await rows('select $1::text[] as texts, $2::int4[] as ints', [
        textArray(texts),
        intArray([1, null, -3]),
      ]),
    ).toStrictEqual([{ texts, ints: [1, null, -3] }])
  })

  test('passes bytes as they are', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
    expect(await rows('select $1::bytea as bytes', [bytes])).toStrictEqual([{ bytes }])
  })

  test('commits what a transaction wrote when its work resolves', async () => {
    const answer = await database.transaction(async (tx) => {
      await tx.query('insert into kept values ($1)', [1], signal)
      return 'done'
    }, signal)
    expect([answer, await rows('select a from kept where a = 1')]).toEqual(['done', [{ a: 1 }]])
  })

  test('rolls everything back when the work throws, and passes the error on', async () => {
    const failure = new Error('no')
    const work = database.transaction(async (tx) => {
      await tx.query('insert into kept values ($1)', [2], signal)
      throw failure
    }, signal)
    await expect(work).rejects.toBe(failure)
    expect(await rows('select a from kept where a = 2')).toEqual([])
  })

  test('does not call a transaction committed whose work hid a failed statement', async () => {
    const work = database.transaction(async (tx) => {
      await tx.query('insert into kept values ($1)', [3], signal)
      await tx.query('insert into kept values ($1)', [3], signal).catch(() => {})
    }, signal)
    await expect(work).rejects.toThrow(/rolled back|aborted/i)
    expect(await rows('select a from kept where a = 3')).toEqual([])
  })

  test('names a broken unique constraint a conflict', async () => {
    await database.query('insert into kept values ($1)', [4], signal)
    await expect(database.query('insert into kept values ($1)', [4], signal)).rejects.toMatchObject(
      { name: 'ServiceError', code: 'conflict', message: 'already recorded (kept_pkey)' },
    )
  })

  test('runs no statement once the signal has aborted', async () => {
    const reason = new Error('gone')
    const aborted = AbortSignal.abort(reason)
    await expect(database.query('insert into kept values (5)', [], aborted)).rejects.toBe(reason)
    await expect(database.transaction(async () => 1, aborted)).rejects.toBe(reason)
    expect(await rows('select a from kept where a = 5')).toEqual([])
  })

  test('rolls back a transaction whose signal aborts between its statements', async () => {
    const stop = new AbortController()
    const reason = new Error('gone')
    const work = database.transaction(async (tx) => {
      await tx.query('insert into kept values (6)', [], stop.signal)
      stop.abort(reason)
      await tx.query('insert into kept values (7)', [], stop.signal)
    }, stop.signal)
    await expect(work).rejects.toBe(reason)
    expect(await rows('select a from kept where a in (6, 7)')).toEqual([])
  })

  test('tells listeners of committed notifications only, in order', async () => {
    const heard: string[] = []
    const last = Promise.withResolvers<void>()
    const unlisten = await database.listen(
      'suite_news',
      (payload) => {
        heard.push(payload)
        if (payload === 'last') last.resolve()
      },
      signal,
    )
    const rolledBack = database.transaction(async (tx) => {
      await notify(tx, 'suite_news', 'never', signal)
      throw new Error('no')
    }, signal)
    await expect(rolledBack).rejects.toThrow('no')
    await database.transaction(
      async (tx) => await notify(tx, 'suite_news', 'first', signal),
      signal,
    )
    await notify(database, 'suite_news', 'last', signal)
    await last.promise
    await unlisten()
    await unlisten()
    expect(heard).toEqual(['first', 'last'])
  })

  test('serves queries that come together, each with its own answer', async () => {
    const numbers = Array.from({ length: 40 }, (_, i) => i)
    const answers = await Promise.all(
      numbers.map(async (n) => await rows('select $1::int4 as n', [n])),
    )
    expect(answers).toEqual(numbers.map((n) => [{ n }]))
  })

  test('is unavailable after close, which may come twice', async () => {
    const other = await open()
    const unlisten = await other.listen('suite_news', () => {}, signal)
    await other.close()
    await other.close()
    await unlisten()
    await expect(other.query('select 1', [], signal)).rejects.toMatchObject({
      code: 'store_unavailable',
    })
  }, 60_000)
}

import { insertBars } from '@usdcop/database/bars'
import { advanceCursor, readCursor } from '@usdcop/database/cursors'
import type { Database } from '@usdcop/database/database'
import { walkLedger } from '@usdcop/database/ledger'
import { migrate } from '@usdcop/database/migrate'
import { appendOutbox } from '@usdcop/database/outbox'
import { verifyChain } from '@usdcop/decision/chain'
import { expect, test } from 'vitest'
import type { BarClosed } from '../../src/event.ts'
import { createSqlBars } from '../../src/sql/bars.ts'
import { createSqlLedger } from '../../src/sql/ledger.ts'
import { createSqlOutbox } from '../../src/sql/outbox.ts'
import { type Rig, startGateway } from './gateway.ts'
import { barClosed, SYMBOL, servedAt } from './market.ts'

const signal = AbortSignal.timeout(120_000)
const bars = Array.from({ length: 20 }, (_, i) => barClosed(i + 50))

/** A gateway over SQL; `close` does what the materializer and its online writer do. */
async function startOn(database: Database) {
  const stop = new AbortController()
  let newest: BarClosed = bars[0]!
  const rig = await startGateway({
    ledger: createSqlLedger(database),
    outbox: createSqlOutbox(database, stop.signal),
    bars: createSqlBars(database),
    features: { read: async () => servedAt(newest) },
  })
  const commit = (bar: BarClosed): Promise<number> =>
    database.transaction(async (tx) => {
      const { symbol, barTime, session, open, high, low, close } = bar
      await insertBars(tx, 'test', [{ symbol, barTime, session, open, high, low, close }], signal)
      const [id] = await appendOutbox(tx, [{ topic: 'bar_closed', payload: bar }], signal)
      await advanceCursor(tx, 'online-writer', id!, signal)
      return id!
    }, signal)
  return {
    rig: rig as Omit<Rig, 'close' | 'post' | 'memory'>,
    async close(bar: BarClosed) {
      newest = bar
      rig.clock.advanceTo(bar.availableAt)
      await rig.consumer.drained(await commit(bar), signal)
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await rig[Symbol.asyncDispose]()
    },
  }
}

async function domainOf(database: Database) {
  const ledger = createSqlLedger(database)
  const entries = await walkLedger(database, 0, 1_000, signal)
  expect(verifyChain(entries)).toMatchObject({ ok: true })
  return {
    chain: entries.map(({ body, hash }) => ({ body, hash })),
    account: await ledger.account(SYMBOL, signal),
    equity: await ledger.equity(SYMBOL, 0, signal),
    cursor: await readCursor(database, 'gateway', signal),
  }
}

/** What the gateway keeps in SQL, the same on either driver; `open` gives an empty database. */
export function recordSuite(open: () => Promise<Database>): void {
  const openDatabase = async () => {
    const database = await open()
    await migrate(database, signal)
    return { database, [Symbol.asyncDispose]: () => database.close() }
  }

  test('is what memory would hold, and one chain across restarts', async () => {
    await using inMemory = await startGateway()
    for (const bar of bars) await inMemory.close(bar)
    await using opened = await openDatabase()
    const { database } = opened
    for (const part of [bars.slice(0, 7), bars.slice(7, 8), bars.slice(8)]) {
      await using gateway = await startOn(database)
      for (const bar of part) await gateway.close(bar)
    }
    expect(await domainOf(database)).toEqual({
      chain: inMemory.memory.entries.map(({ body, hash }) => ({ body, hash })),
      account: inMemory.memory.accounts.get(SYMBOL),
      equity: inMemory.memory.equity.map(({ symbol: _symbol, ...point }) => point),
      cursor: 20,
    })
  })

  test('serves decisions, account and console as memory does', async () => {
    await using opened = await openDatabase()
    await using gateway = await startOn(opened.database)
    await using inMemory = await startGateway()
    for (const bar of bars.slice(0, 12)) {
      await gateway.close(bar)
      await inMemory.close(bar)
    }
    const untimed = (body: string): unknown =>
      JSON.parse(body.replaceAll(/"(recordedAt|latencyMs)":[\d.]+/g, '"$1":0'))
    for (const url of [
      '/v1/decisions?symbol=USD/COP&limit=5',
      '/v1/decisions?limit=5&before=9',
      '/v1/account?symbol=USD/COP',
      `/v1/decisions/${inMemory.memory.entries.findLast(({ kind }) => kind === 'decision')?.id}`,
    ]) {
      const reply = await gateway.rig.app.inject(url)
      expect(reply.statusCode).toBe(200)
      expect(untimed(reply.body)).toEqual(untimed((await inMemory.app.inject(url)).body))
    }
    const snapshot = async (app: Rig['app']) =>
      (await app.inject({ url: '/console/snapshot', headers: { host: 'localhost' } })).json()
    const { bars: shown, ...rest } = await snapshot(gateway.rig.app)
    const { bars: _none, ...expected } = await snapshot(inMemory.app)
    expect(shown).toHaveLength(12)
    expect(untimed(JSON.stringify({ ...rest, last: rest.last.bar }))).toEqual(
      untimed(JSON.stringify({ ...expected, last: expected.last.bar })),
    )
  })

  test('names the first entry of a chain that somebody has changed', async () => {
    await using opened = await openDatabase()
    const { database } = opened
    await using gateway = await startOn(database)
    for (const bar of bars.slice(0, 3)) await gateway.close(bar)
    const ledger = createSqlLedger(database)
    await ledger.verify(signal)
    await database.query('alter table ledger_entry disable trigger user', [], signal)
    await database.query("update ledger_entry set body = body || ' ' where seq = 2", [], signal)
    await expect(ledger.verify(signal)).rejects.toMatchObject({
      code: 'ledger_broken',
      message: 'ledger entry 2: its hash is not that of its body',
    })
  })

  test('keeps the account from two writers at once', async () => {
    await using opened = await openDatabase()
    await using gateway = await startOn(opened.database)
    await gateway.close(bars[0]!)
    const ledger = createSqlLedger(opened.database)
    const stored = (await ledger.account(SYMBOL, signal))!
    const commit = {
      symbol: SYMBOL,
      planned: stored.version - 1,
      account: stored.account,
      entries: [],
      mark: { ...(await ledger.equity(SYMBOL, 0, signal))[0]!, barTime: bars[1]!.barTime },
      latencyMs: 1,
      position: 99,
    }
    await expect(ledger.commitBar(commit, signal)).rejects.toMatchObject({ code: 'conflict' })
    expect(await readCursor(opened.database, 'gateway', signal)).toBe(1)
  })

  test('continues the chain when another writer has gone on with it', async () => {
    await using opened = await openDatabase()
    const entry = {
      kind: 'decision',
      symbol: SYMBOL,
      barTime: 1,
      trigger: 'request',
      content: {},
    } as const
    const [one, other] = [createSqlLedger(opened.database), createSqlLedger(opened.database)]
    await one.append(entry, signal)
    await other.append(entry, signal)
    await expect(one.append(entry, signal)).rejects.toMatchObject({ code: 'conflict' })
    await one.append(entry, signal)
    const entries = await walkLedger(opened.database, 0, 10, signal)
    expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(verifyChain(entries)).toMatchObject({ ok: true })
  })

  test('links what is written at once into one chain', async () => {
    await using opened = await openDatabase()
    const ledger = createSqlLedger(opened.database)
    const entry = (barTime: number) =>
      ({ kind: 'decision', symbol: SYMBOL, barTime, trigger: 'request', content: {} }) as const
    const appended = await Promise.all([1, 2, 3, 4, 5].map((i) => ledger.append(entry(i), signal)))
    expect(appended.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5])
    expect(verifyChain(await walkLedger(opened.database, 0, 10, signal))).toMatchObject({
      ok: true,
    })
  })

  test('reads an account again once another writer has moved it', async () => {
    await using opened = await openDatabase()
    const { database } = opened
    await using gateway = await startOn(database)
    await gateway.close(bars[0]!)
    const [one, other] = [createSqlLedger(database), createSqlLedger(database)]
    const planOn = async (ledger: typeof one, bar: BarClosed) => {
      const { account, version } = (await ledger.account(SYMBOL, signal))!
      const [mark] = await ledger.equity(SYMBOL, bars[0]!.barTime, signal)
      return {
        symbol: SYMBOL,
        planned: version,
        account: { ...account, lastBarTime: bar.barTime },
        entries: [],
        mark: { ...mark!, barTime: bar.barTime },
        latencyMs: 1,
        position: version + 1,
      }
    }
    await one.commitBar(await planOn(one, bars[1]!), signal)
    await other.commitBar(await planOn(other, bars[2]!), signal)
    const late = await planOn(one, bars[3]!)
    expect(late.planned).toBe(2)
    await expect(one.commitBar(late, signal)).rejects.toMatchObject({ code: 'conflict' })
    expect(await one.account(SYMBOL, signal)).toMatchObject({
      account: { lastBarTime: bars[2]!.barTime },
      version: 3,
    })
  })

  test('is woken when the online writer has moved, and for nothing else', async () => {
    await using opened = await openDatabase()
    const { database } = opened
    const heard: string[] = []
    const unwatch = await createSqlOutbox(database, signal).watch(() => heard.push('online-writer'))
    const unlisten = await database.listen('outbox', (who) => heard.push(`(${who})`), signal)
    await appendOutbox(database, [{ topic: 'bar_closed', payload: bars[0] }], signal)
    await advanceCursor(database, 'gateway', 1, signal)
    await advanceCursor(database, 'online-writer', 1, signal)
    const all = ['(appended)', '(gateway)', 'online-writer', '(online-writer)']
    await expect.poll(() => heard).toEqual(all)
    await unwatch()
    await unlisten()
  })
}

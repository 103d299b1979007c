import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Database } from '@usdcop/database/database'
import { migrate } from '@usdcop/database/migrate'
import { appendOutbox } from '@usdcop/database/outbox'
import { openPglite } from '@usdcop/database/pglite'
import { openLmdbStore } from '@usdcop/feast/stores/lmdb-store'
import { defineFeatures } from '@usdcop/feature-repo/features'
import { buildApp as buildFeatureServer } from '@usdcop/feature-server/app'
import { type Decided, decideBar } from '@usdcop/inference-gateway/decide'
import { BarClosed } from '@usdcop/inference-gateway/event'
import { type GatewayClient, openFeatureServer } from '@usdcop/inference-gateway/features/client'
import { createHttpSource } from '@usdcop/inference-gateway/features/http-source'
import { createHttpStateSink } from '@usdcop/inference-gateway/features/push'
import type { StageMs } from '@usdcop/inference-gateway/latency'
import { loadPolicyFrom } from '@usdcop/inference-gateway/model/load'
import { rulesOf } from '@usdcop/inference-gateway/rules'
import { createSqlLedger } from '@usdcop/inference-gateway/sql/ledger'
import { createSqlOutbox } from '@usdcop/inference-gateway/sql/outbox'
import { barClosed } from '@usdcop/materializer/bar-closed'
import { createOnlineWriter } from '@usdcop/materializer/online-writer'
import type { Bar } from '@usdcop/observation/bars'
import { createCalendar } from '@usdcop/observation/calendar'
import { type Contract, parseContract } from '@usdcop/observation/contract'
import { parseBar, parseMacroRecord } from '@usdcop/observation/parse'
import { Reducer } from '@usdcop/observation/reducer'
import { readCsv } from '@usdcop/offline-store/csv'
import { createKeyring, digestOf } from '@usdcop/service/auth'
import { SteppedClock } from '@usdcop/service/clock'
import { createLogger } from '@usdcop/service/log'
import { createRegistry } from '@usdcop/service/metrics'
import { type Figure, median } from './figure.ts'

const inRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const TOKEN = 'bench'
const DECISIONS = 400
/** Bars before the measured ones, the reducer's warm-up and then some for the compiler. */
const UNMEASURED = 250

/**
 * One closed bar after another through the gateway's cycle, on embedded stores in a directory and a
 * feature server on loopback; nothing else runs meanwhile. The floors are measured in turn with the
 * decisions: one fsynced commit of that database, one read answered by that feature server.
 */
export async function decisionBench(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-bench-'))
  const stop = new AbortController()
  const { signal } = stop
  const db = await openPglite(join(folder, 'database'), signal)
  const clock = new SteppedClock(0)
  try {
    await migrate(db, signal)
    const contract = parseContract(
      JSON.parse(await readFile(inRoot('config/contracts/observation-15d.v1.json'), 'utf8')),
    )
    await using serving = await serveFeatures(contract, join(folder, 'online'), clock)
    const decide = await decider(contract, db, serving, clock, signal)
    const samples: Decided[] = []
    const floors = { commit: [] as number[], read: [] as number[] }
    for await (const event of closedBars(contract, signal)) {
      clock.advanceTo(event.availableAt)
      const decided = await decide(event)
      floors.commit.push(await timed(() => commitOnce(db, signal)))
      floors.read.push(await timed(() => serving.read(event.symbol)))
      samples.push(decided)
      if (samples.length === UNMEASURED + DECISIONS) break
    }
    return figures(
      samples.slice(UNMEASURED).map(({ stages }) => stages),
      { commit: floors.commit.slice(UNMEASURED), read: floors.read.slice(UNMEASURED) },
    )
  } finally {
    stop.abort()
    await db.close()
    await rm(folder, { recursive: true })
  }
}

interface Serving extends AsyncDisposable {
  readonly client: GatewayClient
  readonly write: (db: Database, signal: AbortSignal) => Promise<unknown>
  /** Asks for the 15 features and throws the answer away. */
  readonly read: (symbol: string) => Promise<unknown>
}

async function serveFeatures(
  contract: Contract,
  directory: string,
  clock: SteppedClock,
): Promise<Serving> {
  const registry = defineFeatures(contract)
  const store = openLmdbStore(directory, registry.project)
  const app = buildFeatureServer({
    logger: createLogger({ name: 'bench', level: 'error' }),
    metrics: createRegistry('feature-server'),
    registry: { current: registry },
    store,
    clock,
    serving: 'mark',
    keyring: createKeyring([{ name: 'bench', role: 'writer', sha256: digestOf(TOKEN) }]),
    bindHost: '127.0.0.1',
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  let writer: ReturnType<typeof createOnlineWriter> | undefined
  const at = { url, key: TOKEN, deadlineMs: 1_000 }
  const client = openFeatureServer(at, rulesOf(contract).features)
  return {
    client,
    write: (db, signal) => (writer ??= createOnlineWriter({ db, store, registry })).write(signal),
    async read(symbol) {
      const body = JSON.stringify({
        feature_service: 'observation_15d',
        entities: { symbol: [symbol] },
      })
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(`${url}/get-online-features`, { method: 'POST', body, headers })
      if (!response.ok) throw new Error(await response.text())
      await response.text()
    },
    async [Symbol.asyncDispose]() {
      await client.close()
      await app.close()
      await store.close()
    },
  }
}

/** Puts a bar where the materializer would have, and decides on it as the gateway does. */
async function decider(
  contract: Contract,
  db: Database,
  serving: Serving,
  clock: SteppedClock,
  signal: AbortSignal,
): Promise<(event: ReturnType<typeof barClosed>) => Promise<Decided>> {
  const rules = rulesOf(contract)
  const outbox = createSqlOutbox(db, signal)
  const deps = {
    contract,
    rules,
    calendar: createCalendar(contract),
    clock,
    features: createHttpSource(serving.client, rules.features),
    state: createHttpStateSink(serving.client),
    policy: await loadPolicyFrom(inRoot('models/usdcop-ppo'), rules.model, signal),
    ledger: createSqlLedger(db),
    logger: createLogger({ name: 'bench', level: 'error' }),
  }
  let position = 0
  return async (event) => {
    await appendOutbox(db, [{ topic: 'bar_closed', payload: event }], signal)
    await serving.write(db, signal)
    const [pending] = await outbox.pending(position, 1, signal)
    if (pending === undefined) throw new Error('the online writer is behind')
    position = pending.id
    const decided = await decideBar(deps, BarClosed.parse(pending.payload), position, signal)
    if (decided === undefined || !decided.pushed) throw new Error(`bar ${position} went wrong`)
    return decided
  }
}

async function* closedBars(contract: Contract, signal: AbortSignal) {
  const reducer = new Reducer(contract)
  for await (const record of readCsv(inRoot('data/macro-daily.csv'), signal))
    for (const value of parseMacroRecord(record, contract.definition.macro.series))
      reducer.macro.publish(value)
  const bars: Bar[] = []
  for await (const record of readCsv(inRoot('data/usdcop-m5.csv.gz'), signal))
    bars.push(parseBar(record))
  // Holidays among them are rejected, so some more than will be decided on.
  for (const bar of bars.slice(-2 * (UNMEASURED + DECISIONS))) {
    const step = reducer.step(bar)
    if (step.kind === 'rejected') continue
    const { row } = step
    yield barClosed({ bar, row, macroAt: row.macroReleasedAt }, contract.definitionHash)
  }
}

function commitOnce(db: Database, signal: AbortSignal): Promise<unknown> {
  return db.query(
    `insert into checkpoint (source, position) values ('bench', 0)
     on conflict (source) do update set position = checkpoint.position + 1`,
    [],
    signal,
  )
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

function figures(
  stages: readonly StageMs[],
  floors: Readonly<Record<'commit' | 'read', readonly number[]>>,
): readonly Figure[] {
  const named: [string, readonly number[]][] = [
    ...(['total', 'features', 'model', 'ledger'] as const).map((stage): [string, number[]] => [
      `decision, ${stage}`,
      stages.map((one) => one[stage]),
    ]),
    ['floor: one fsynced commit of one row', floors.commit],
    ['floor: one read of the 15 features over loopback', floors.read],
  ]
  return named.flatMap(([name, values]) => [
    { name: `${name}, median`, value: median(values), unit: 'ms' },
    { name: `${name}, p99`, value: quantile(values, 0.99), unit: 'ms' },
  ])
}

function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.ceil(fraction * sorted.length) - 1] ?? Number.NaN
}

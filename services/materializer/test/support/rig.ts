import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database, Queryable, Transaction } from '@usdcop/database/database'
import { migrate } from '@usdcop/database/migrate'
import { findView } from '@usdcop/feast/registry/registry'
import type { OnlineStore, StoredRow } from '@usdcop/feast/stores/online-store'
import { singleKeyWriter } from '@usdcop/feast/wire/entity-key'
import { defineFeatures } from '@usdcop/feature-repo/features'
import type { Bar } from '@usdcop/observation/bars'
import type { Contract } from '@usdcop/observation/contract'
import { type OfflineRow, readRows } from '@usdcop/offline-store/read'
import { openOfflineStore } from '@usdcop/offline-store/seal'
import { SteppedClock } from '@usdcop/service/clock'
import { createRegistry } from '@usdcop/service/metrics'
import { createIngest, type Ingest } from '../../src/ingest.ts'
import { createMaterializerMetrics } from '../../src/metrics.ts'
import { createOfflineWriter, type OfflineWriter } from '../../src/offline.ts'
import { createOnlineWriter, type OnlineWriter } from '../../src/online-writer.ts'
import { type SealerDeps, sealFinished } from '../../src/sealer.ts'
import { createSqlStore } from '../../src/sql-store.ts'
import { calendar, contract } from './market.ts'

export const signal = AbortSignal.timeout(300_000)

/** A database without a schema, and an online store without rows. */
export interface Stores extends AsyncDisposable {
  readonly db: Database
  readonly online: OnlineStore
}

/** One platform's stores with the parts of the materializer over them, driven by hand. */
export interface Rig extends Stores {
  readonly clock: SteppedClock
  readonly offline: OfflineWriter
  readonly directory: string
  ingest(using?: { readonly db?: Database; readonly contract?: Contract }): Ingest
  onlineWriter(db?: Database): OnlineWriter
  seal(offline?: OfflineWriter): Promise<string[]>
  /** The newest row of a view, its values in the view's order. */
  served(view: string, symbol: string): Promise<StoredRow | undefined>
  /** What every row of a dataset says, but for when it was made. */
  sealed(dataset: string): Promise<OfflineRow[]>
}

export const features = defineFeatures(contract)

export async function createRig(open: () => Promise<Stores>, startAt: number): Promise<Rig> {
  const stores = await open()
  const { db, online } = stores
  await migrate(db, signal)
  const directory = await mkdtemp(join(tmpdir(), 'usdcop-offline-'))
  const files = await openOfflineStore(directory, signal)
  const offline = createOfflineWriter(files, contract, Date.now)
  const clock = new SteppedClock(startAt)
  const { definitionHash } = contract
  return {
    ...stores,
    clock,
    offline,
    directory,
    ingest: (using = {}) =>
      createIngest({
        contract: using.contract ?? contract,
        store: createSqlStore(using.db ?? db, using.contract?.definitionHash ?? definitionHash),
        clock,
        metrics: createMaterializerMetrics(createRegistry('test')),
        onCommitted: () => {},
      }),
    onlineWriter: (using = db) =>
      createOnlineWriter({ db: using, store: online, registry: features }),
    seal: async (using = offline) => {
      const deps: SealerDeps = { db, offline: using, calendar, clock, definitionHash }
      return await sealFinished(deps, signal)
    },
    async served(view, symbol) {
      const names = findView(features, view).features.map(({ name }) => name)
      const keys = [keyOf({ type: 'STRING', value: symbol })]
      const [rows] = await online.read([{ view, features: names, keys }], signal)
      return rows?.[0]
    },
    async sealed(dataset) {
      const all: OfflineRow[] = []
      for await (const rows of readRows(directory, dataset, {}, signal)) all.push(...rows)
      return all.map(({ created_timestamp: _made, ...row }) => row)
    },
    async [Symbol.asyncDispose]() {
      await files[Symbol.asyncDispose]()
      await stores[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

const keyOf = singleKeyWriter('symbol')

/** Takes bars as life brings them: each at its close, the online store following. */
export async function live(rig: Rig, source: string, bars: readonly Bar[]): Promise<void> {
  const ingest = rig.ingest()
  const writer = rig.onlineWriter()
  for (const bar of bars) {
    rig.clock.advanceTo(bar.barTime + calendar.barMs)
    await ingest.bars(source, [bar], signal)
    await writer.write(signal)
  }
}

/** A database on which the statements that match fail, inside transactions and out. */
export function failingOn(db: Database, statement: RegExp): Database {
  const query: Queryable['query'] = async (sql, params, until) => {
    if (statement.test(sql)) throw new Error('the disk is full')
    return await db.query(sql, params, until)
  }
  return {
    ...db,
    query,
    transaction: (work, until) =>
      db.transaction(async (tx) => {
        const broken: Transaction = {
          ...tx,
          query: async (sql, params, inner) => {
            if (statement.test(sql)) throw new Error('the disk is full')
            return await tx.query(sql, params, inner)
          },
        }
        return await work(broken)
      }, until),
  }
}

/** Every row of a table as it stands, but for wall times and ids. */
export async function contentOf(db: Database, table: string): Promise<Record<string, unknown>[]> {
  const rows = await db.query<{ content: Record<string, unknown> }>(
    `select to_jsonb(t) - 'recorded_at' - 'id' as content from ${table} t
     order by (to_jsonb(t) - 'recorded_at')::text`,
    [],
    signal,
  )
  return rows.map(({ content }) => content)
}

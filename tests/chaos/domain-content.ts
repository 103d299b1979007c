import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readAccount } from '@usdcop/database/accounts'
import { newestBars } from '@usdcop/database/bars'
import type { Queryable } from '@usdcop/database/database'
import { newestEquity } from '@usdcop/database/equity'
import { readFeaturePage } from '@usdcop/database/feature-rows'
import { walkLedger } from '@usdcop/database/ledger'
import { readMacroValues } from '@usdcop/database/macro-values'
import { openPglite } from '@usdcop/database/pglite'
import { openLmdbStore } from '@usdcop/feast/stores/lmdb-store'
import { singleKeyWriter } from '@usdcop/feast/wire/entity-key'
import { defineFeatures } from '@usdcop/feature-repo/features'
import { parseContract } from '@usdcop/observation/contract'
import { readRows } from '@usdcop/offline-store/read'

const SYMBOL = 'USD/COP'
const DATASETS = ['bars', 'technical_features', 'macro_features'] as const
const EVERYTHING = 1_000_000

const contractFile = new URL('../../config/contracts/observation-15d.v1.json', import.meta.url)
const contract = parseContract(JSON.parse(readFileSync(contractFile, 'utf8')))

/**
 * All that a stopped platform's data directory says about the market and about what was done in it,
 * and nothing of when or how fast it was written down.
 */
export async function readDomainContent(directory: string, signal: AbortSignal) {
  const db = await openPglite(join(directory, 'database'), signal)
  try {
    return {
      ...(await readSql(db, signal)),
      online: await readOnline(join(directory, 'online'), signal),
      offline: await readOffline(join(directory, 'offline'), signal),
    }
  } finally {
    await db.close()
  }
}

export type DomainContent = Awaited<ReturnType<typeof readDomainContent>>

async function readSql(db: Queryable, signal: AbortSignal) {
  const { definitionHash } = contract
  const rows = await readFeaturePage(db, definitionHash, null, EVERYTHING, signal)
  const ledger = await walkLedger(db, 0, EVERYTHING, signal)
  return {
    bars: await newestBars(db, SYMBOL, EVERYTHING, signal),
    macro: await readMacroValues(db, signal),
    rows: rows.map((row) => ({ ...row, market: [...row.market] })),
    ledger: ledger.map(({ latencyMs: _latency, recordedAt: _wallTime, ...link }) => link),
    account: await readAccount(db, SYMBOL, signal),
    equity: await newestEquity(db, SYMBOL, EVERYTHING, signal),
  }
}

/** The newest row of every view. */
async function readOnline(directory: string, signal: AbortSignal) {
  const registry = defineFeatures(contract)
  const store = openLmdbStore(directory, registry.project)
  try {
    const keys = [singleKeyWriter('symbol')({ type: 'STRING', value: SYMBOL })]
    const views = [...registry.views.values()].map(({ name, features }) => ({
      view: name,
      features: features.map((feature) => feature.name),
      keys,
    }))
    const found = await store.read(views, signal)
    return Object.fromEntries(views.map(({ view }, i) => [view, found[i]?.[0]]))
  } finally {
    await store.close()
  }
}

/** What is sealed, a digest a session: five years of rows would be a long difference to read. */
async function readOffline(directory: string, signal: AbortSignal) {
  const digests: Record<string, Record<string, { rows: number; sha256: string }>> = {}
  for (const dataset of DATASETS) {
    const sessions = new Map<string, string[]>()
    for await (const page of readRows(directory, dataset, {}, signal))
      for (const { created_timestamp: _wallTime, ...row } of page) {
        const session = new Date(Number(row['event_timestamp'])).toISOString().slice(0, 10)
        const lines = sessions.get(session) ?? []
        if (lines.push(JSON.stringify(row)) === 1) sessions.set(session, lines)
      }
    digests[dataset] = Object.fromEntries(
      [...sessions].map(([session, lines]) => [
        session,
        {
          rows: lines.length,
          sha256: createHash('sha256').update(lines.join('\n')).digest('hex'),
        },
      ]),
    )
  }
  return digests
}

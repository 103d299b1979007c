import { newestBars } from '@usdcop/database/bars'
import type { Database } from '@usdcop/database/database'
import type { BarHistory } from '../console/snapshot.ts'

/** The materializer's bars in SQL. */
export function createSqlBars(database: Database): BarHistory {
  return {
    async newest(symbol, limit, signal) {
      const rows = await newestBars(database, symbol, limit, signal)
      return rows.map(({ symbol: _symbol, ...bar }) => bar)
    },
  }
}

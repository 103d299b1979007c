import type { DuckDBConnection } from '@duckdb/node-api'
import type {
  Feature,
  OnDemandRow,
  OnDemandView,
  Registry,
} from '@usdcop/feast/registry/definitions'
import { findBatchSource, findView } from '@usdcop/feast/registry/registry'
import type { KeyPairs } from '@usdcop/feast/serving/stored-rows'
import type { Value, ValueType } from '@usdcop/feast/wire/value'
import { batchesOf, type Cell, fromHistory, keyPairs, micros } from './from-history.ts'
import { toValue } from './row-values.ts'
import { type SourceColumns, sourceColumns } from './source-columns.ts'
import { filesOf } from './source-files.ts'

export interface JoinedWindow {
  readonly registry: Registry
  /** A stored one, whose sources have its join keys. */
  readonly view: OnDemandView
  /** Where the sources' relative paths begin. */
  readonly directory: string
  /** Epoch milliseconds, both inclusive. */
  readonly start: number
  readonly end: number
  /** How many rows are ranked at once; more take more memory. */
  readonly rowsAPass: number
}

/** Of one entity: its keys, and what a view computes from. */
export interface JoinedRow {
  readonly keys: KeyPairs
  readonly inputs: OnDemandRow
}

interface Source extends SourceColumns {
  readonly view: string
  readonly table: string
  /** 0 means that rows never grow too old. */
  readonly ttlMs: number
  /** The types that the features are declared to have. */
  readonly declared: readonly ValueType[]
}

/**
 * The inputs of a view for every entity with an event in the window: of each source the newest row up to
 * the entity's newest event there, unless it is older than its view's ttl by then. Some 2,000 at a time.
 */
export async function* joinedRows(
  window: JoinedWindow,
  signal: AbortSignal,
): AsyncGenerator<readonly JoinedRow[]> {
  const { view, start, end, rowsAPass } = window
  yield* fromHistory(view.name, signal, async function* (connection) {
    const sources = await sourcesOf(connection, window)
    const counted = await countRows(connection, sources, end)
    const passes = Math.max(1, Math.ceil(counted / rowsAPass))
    for (let pass = 0; pass < passes; pass += 1) {
      const query = selectJoined(sources, start, end, `% ${passes} = ${pass}`)
      for await (const rows of batchesOf(connection, query, signal))
        yield rows.map((row) => toRow(view, sources, row))
    }
  })
}

async function sourcesOf(
  connection: DuckDBConnection,
  { registry, view, directory }: JoinedWindow,
): Promise<readonly Source[]> {
  const sources: Source[] = []
  for (const { view: name, features: used } of view.projections) {
    const from = findView(registry, name)
    const source = findBatchSource(registry, from)
    const table = await filesOf(source, directory)
    const features = from.features.filter((feature) => used.includes(feature.name))
    const read = { ...from, features: features.map(widened) }
    const columns = await sourceColumns(connection, table, registry, read, source)
    const keys = columns.keys.toSorted((a, b) => (a.name < b.name ? -1 : 1))
    const declared = features.map(({ valueType }) => valueType)
    sources.push({ ...columns, keys, view: name, table, ttlMs: from.ttlMs, declared })
  }
  return sources
}

/** A number is not rounded to 32 bits before something has been computed from it. */
function widened(feature: Feature): Feature {
  return { ...feature, valueType: feature.valueType.replace('FLOAT', 'DOUBLE') as ValueType }
}

async function countRows(
  connection: DuckDBConnection,
  sources: readonly Source[],
  end: number,
): Promise<number> {
  const counts = sources.map(
    ({ table, time }) => `(select count(*) from ${table} where ${time} <= ${micros(end)})`,
  )
  const counted = await connection.runAndReadAll(`select ${counts.join(' + ')}`)
  return Number(counted.getRows()[0]?.[0])
}

function selectJoined(
  sources: readonly Source[],
  start: number,
  end: number,
  share: string,
): string {
  const keys = (sources[0]?.keys ?? []).map((_, i) => `k${i}`)
  const on = keys.join(', ')
  const history = sources.map(({ table, keys: of, features, time, created }, s) => {
    const columns = [
      `${time} as us`,
      ...of.map(({ sql }, i) => `${sql} as k${i}`),
      ...features.map(({ sql }, i) => `${sql} as f${s}_${i}`),
      `${created ?? 'null'} as created`,
    ]
    return `h${s} as (select ${columns.join(', ')} from ${table} where hash(${of.map(({ sql }) => sql).join(', ')}) ${share})`
  })
  const events = sources.map((_, s) => `select us, ${on} from h${s}`).join(' union all ')
  const latest = `latest as (select max(us) as newest, ${on} from (${events})
    where us between ${micros(start)} and ${micros(end)} group by ${on})`
  const joined = sources.map(({ ttlMs }, s) => {
    const young = ttlMs === 0 ? '' : `and us >= newest - ${micros(ttlMs)}`
    return `left join (select h${s}.* from h${s} join latest using (${on}) where us <= newest ${young}
      qualify row_number() over (partition by ${on} order by us desc, created desc nulls last) = 1
    ) using (${on})`
  })
  const features = sources.flatMap(({ features: of }, s) => of.map((_, i) => `f${s}_${i}`))
  return `with ${[...history, latest].join(', ')}
    select newest, ${[...keys, ...features].join(', ')} from latest ${joined.join(' ')}`
}

function toRow(view: OnDemandView, sources: readonly Source[], row: readonly Cell[]): JoinedRow {
  const [newest, ...cells] = row
  const columns = sources[0]?.keys ?? []
  const keys = keyPairs(view.name, columns, cells)
  const inputs: Record<string, Value> = {
    ...Object.fromEntries(keys),
    // Feast's name, whatever the sources call it.
    event_timestamp: { type: 'UNIX_TIMESTAMP', value: BigInt(Math.floor(Number(newest) / 1e6)) },
  }
  let next = columns.length
  for (const { view: source, features, declared } of sources)
    for (const [i, { name, valueType }] of features.entries()) {
      const read = toValue(valueType, cells[next] ?? null)
      const value = read && ({ ...read, type: declared[i] } as Value)
      inputs[name] = value
      inputs[`${source}__${name}`] = value
      next += 1
    }
  return { keys, inputs }
}

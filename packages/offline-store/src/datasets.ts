/** A column of a dataset: its Parquet type, and its value in a row. NaN is stored as null. */
export interface Column<Row> {
  readonly name: string
  readonly type: 'VARCHAR' | 'DOUBLE' | 'INTEGER' | 'TIMESTAMPTZ'
  /** An instant is epoch milliseconds. */
  readonly of: (row: Row) => string | number | null
}

/** What one folder of the offline store holds: Feast's three columns first, then its own. */
export interface Dataset<Row> {
  readonly name: string
  readonly columns: readonly Column<Row>[]
  /** Epoch ms of a row; the session it belongs to is that instant's UTC date. */
  eventTimestamp(row: Row): number
}

/** An accepted bar with all that became of it; instants in epoch ms. */
export interface ObservedBar {
  readonly symbol: string
  readonly barTime: number
  readonly availableAt: number
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  /** The market features in contract order; NaN = missing. */
  readonly market: ArrayLike<number>
  readonly timeNormalized: number
  readonly gapBars: number
  readonly flags: readonly string[]
  /** Event time of the macro features. */
  readonly macroReleasedAt: number
  readonly definitionHash: string
  /** Wall time at which the row was computed. */
  readonly createdAt: number
}

/** The gateway's state at a closed bar; instants in epoch ms. */
export interface ObservedState {
  readonly symbol: string
  readonly barTime: number
  readonly availableAt: number
  readonly position: number
  readonly timeNormalized: number
  readonly definitionHash: string
  readonly createdAt: number
}

export interface ObservationDatasets {
  readonly bars: Dataset<ObservedBar>
  readonly technical: Dataset<ObservedBar>
  readonly macro: Dataset<ObservedBar>
  readonly state: Dataset<ObservedState>
}

const TECHNICAL_FEATURES = 6

/** The datasets of the observation, given the names of its 13 market features in contract order. */
export function observationDatasets(market: readonly string[]): ObservationDatasets {
  const features = market.map((name, i) =>
    double<ObservedBar>(name, (row) => row.market[i] ?? Number.NaN),
  )
  return {
    bars: dataset<ObservedBar>('bars', (row) => row.availableAt, [
      barTime(),
      double('open', (row) => row.open),
      double('high', (row) => row.high),
      double('low', (row) => row.low),
      double('close', (row) => row.close),
    ]),
    technical: dataset<ObservedBar>('technical_features', (row) => row.availableAt, [
      ...features.slice(0, TECHNICAL_FEATURES),
      barTime(),
      definitionHash(),
      { name: 'flags', type: 'VARCHAR', of: (row) => row.flags.join('|') },
      { name: 'gap_bars', type: 'INTEGER', of: (row) => row.gapBars },
    ]),
    macro: dataset<ObservedBar>('macro_features', (row) => row.macroReleasedAt, [
      ...features.slice(TECHNICAL_FEATURES),
      definitionHash(),
    ]),
    state: dataset<ObservedState>('state_features', (row) => row.availableAt, [
      double('position', (row) => row.position),
      double('time_normalized', (row) => row.timeNormalized),
      barTime(),
      definitionHash(),
    ]),
  }
}

/** The bars whose macro values are new: one a session and symbol, and one more after a correction. */
export function macroReleases(bars: readonly ObservedBar[]): ObservedBar[] {
  const first = new Map<string, ObservedBar>()
  for (const bar of bars) {
    const release = `${bar.macroReleasedAt} ${bar.symbol}`
    if (!first.has(release)) first.set(release, bar)
  }
  return [...first.values()]
}

type Stamped = { readonly symbol: string; readonly createdAt: number }

const dataset = <Row extends Stamped>(
  name: string,
  eventTimestamp: (row: Row) => number,
  own: readonly Column<Row>[],
): Dataset<Row> => ({
  name,
  eventTimestamp,
  columns: [
    { name: 'symbol', type: 'VARCHAR', of: (row) => row.symbol },
    { name: 'event_timestamp', type: 'TIMESTAMPTZ', of: eventTimestamp },
    { name: 'created_timestamp', type: 'TIMESTAMPTZ', of: (row) => row.createdAt },
    ...own,
  ],
})

const double = <Row>(name: string, of: (row: Row) => number): Column<Row> => ({
  name,
  type: 'DOUBLE',
  of,
})

const barTime = <Row extends { readonly barTime: number }>(): Column<Row> => ({
  name: 'bar_time',
  type: 'TIMESTAMPTZ',
  of: (row) => row.barTime,
})

const definitionHash = <Row extends { readonly definitionHash: string }>(): Column<Row> => ({
  name: 'definition_hash',
  type: 'VARCHAR',
  of: (row) => row.definitionHash,
})

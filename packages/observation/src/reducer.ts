import { type Bar, type BarColumns, REJECT_REASONS, type RejectReason } from './bars.ts'
import { type Calendar, createCalendar, type DayKind, formatDay } from './calendar.ts'
import { type Contract, MARKET_FEATURES } from './contract.ts'
import { ObservationError } from './errors.ts'
import { ACCEPTED, faultOfBar, OUTCOME, type Outcome } from './hygiene.ts'
import { stepAdx, stepAtr, stepRsi, trueRange } from './indicators.ts'
import { MacroTimeline } from './macro.ts'
import {
  type BatchResult,
  emptyRows,
  type FeatureColumns,
  type FeatureRow,
  FLAG,
  firstRows,
  rowAt,
} from './rows.ts'
import { AT, SymbolState } from './symbol-state.ts'

const DAY_MS = 86_400_000

export type StepResult =
  | { readonly kind: 'accepted'; readonly row: FeatureRow }
  | { readonly kind: 'rejected'; readonly reason: RejectReason }

/**
 * The one computation of features: a bar in, a row out. Its state is explicit: `save…` gives bytes
 * from which `restore…` continues as if it had never stopped. Batch is a replay of steps.
 */
export class Reducer {
  readonly macro: MacroTimeline
  readonly #contract: Contract
  readonly #calendar: Calendar
  readonly #states = new Map<string, SymbolState>()
  readonly #returns: readonly { readonly lagBars: number; readonly clip: number }[]
  readonly #settings: Settings
  // Bars come day by day, so the day last asked about answers nearly every bar.
  #day = Number.NaN
  #dayKind: DayKind = 'weekend'
  #session = ''
  readonly #row = emptyRows(1)

  constructor(contract: Contract) {
    this.#contract = contract
    this.#calendar = createCalendar(contract)
    this.macro = new MacroTimeline(contract, this.#calendar)
    this.#returns = contract.definition.features.filter((f) => f.kind === 'log_return')
    this.#settings = settingsOf(contract)
  }

  /** One bar: its row, or why it is not taken. A rejected bar leaves no trace in the state. */
  step({ symbol, barTime, open, high, low, close }: Bar): StepResult {
    const outcome = this.#take(symbol, barTime, open, high, low, close, this.#row, 0)
    return outcome === ACCEPTED
      ? { kind: 'accepted', row: rowAt(this.#row, 0) }
      : { kind: 'rejected', reason: REJECT_REASONS[outcome - 1]! }
  }

  /** Exactly as many steps as there are bars, columns in and columns out. */
  batch({ symbol, barTime, open, high, low, close }: BarColumns): BatchResult {
    const count = symbol.length
    const rows = emptyRows(count)
    const outcome = new Uint8Array(count)
    const counts = new Uint32Array(REJECT_REASONS.length + 1)
    let at = 0
    for (let i = 0; i < count; i++) {
      const taken = this.#take(
        symbol[i]!,
        barTime[i]!,
        open[i]!,
        high[i]!,
        low[i]!,
        close[i]!,
        rows,
        at,
      )
      outcome[i] = taken
      counts[taken]!++
      if (taken === ACCEPTED) rows.source[at++] = i
    }
    const rejected = Object.fromEntries(
      REJECT_REASONS.map((reason) => [reason, counts[OUTCOME[reason]]!]),
    ) as Record<RejectReason, number>
    return { rows: firstRows(rows, at), outcome, rejected }
  }

  /** The symbols that have a state: those of which a bar was accepted or a state restored. */
  symbols(): string[] {
    return [...this.#states.keys()]
  }

  /** The state of one symbol. Throws when there is none. */
  saveSymbol(symbol: string): Uint8Array {
    const state = this.#states.get(symbol)
    if (state === undefined) throw new ObservationError('state_invalid', `no state of ${symbol}`)
    return state.save()
  }

  /** Continues a symbol from saved bytes. Throws when they belong to another definition. */
  restoreSymbol(symbol: string, bytes: Uint8Array): void {
    const { barsPerSession } = this.#calendar
    this.#states.set(symbol, SymbolState.restore(this.#contract, barsPerSession, bytes))
  }

  /** All macro values published so far. */
  saveMacro(): Uint8Array {
    return this.macro.save()
  }

  /** Replaces the macro values. Throws when the bytes belong to another definition. */
  restoreMacro(bytes: Uint8Array): void {
    this.macro.restore(bytes)
  }

  /** A bar in, row `at` out when it is accepted. */
  #take(
    symbol: string,
    barTime: number,
    open: number,
    high: number,
    low: number,
    close: number,
    rows: FeatureColumns,
    at: number,
  ): Outcome {
    const fault = faultOfBar(barTime, open, high, low, close)
    if (fault !== ACCEPTED) return fault
    const { barMs, firstBarMs, lastBarMs } = this.#calendar
    const day = Math.floor(barTime / DAY_MS)
    const time = barTime - day * DAY_MS
    if (!Number.isInteger(time / barMs)) return OUTCOME.off_grid
    if (day !== this.#day) this.#turnTo(day)
    if (this.#dayKind !== 'session') return OUTCOME[this.#dayKind]
    if (time < firstBarMs || time > lastBarMs) return OUTCOME.session

    const state = this.#stateOf(symbol)
    const slot = (time - firstBarMs) / barMs
    const n = state.numbers
    const first = n[AT.count] === 0
    if (!first && barTime <= n[AT.lastTime]!)
      return state.hasSeen(day, slot) ? OUTCOME.duplicate : OUTCOME.out_of_order

    const sameSession = !first && n[AT.lastTime]! >= day * DAY_MS
    rows.session[at] = this.#session
    rows.symbol[at] = symbol
    rows.barTime[at] = barTime
    rows.gapBars[at] = sameSession ? (barTime - n[AT.lastTime]!) / barMs - 1 : 0
    rows.timeNormalized[at] = (time - firstBarMs) / (lastBarMs - firstBarMs)
    rows.macroReleasedAt[at] = this.#calendar.releaseInstantOn(day)
    rows.availableAt[at] = barTime + barMs
    this.#technical(state, high, low, close, rows.market, at * MARKET_FEATURES)
    this.#context(n[AT.count]!, rows, at)
    n[AT.lastTime] = barTime
    state.markSeen(day, slot)
    return ACCEPTED
  }

  /** The technical features, and with them the bar becomes the state's last. */
  #technical(
    state: SymbolState,
    high: number,
    low: number,
    close: number,
    market: Float64Array,
    at: number,
  ): void {
    const n = state.numbers
    const p = this.#settings
    const index = n[AT.count]!
    for (let i = 0; i < this.#returns.length; i++) {
      const { lagBars, clip } = this.#returns[i]!
      const change = Math.log(close / state.closeBefore(lagBars))
      market[at++] = change > clip ? clip : change < -clip ? -clip : change
    }
    const range = trueRange(n, index, high, low)
    market[at++] = stepRsi(n, index, close, p.rsiPeriod, p.rsiZeroBranch)
    market[at++] = (stepAtr(n, index, range, p.atrPeriod) / close) * 100
    market[at] = stepAdx(n, index, high, low, range, p.adxPeriod)
    n[AT.lastHigh] = high
    n[AT.lastLow] = low
    n[AT.lastClose] = close
    state.pushClose(close)
  }

  /** What a row takes from outside the symbol's bars, and the flags; `count` includes its bar. */
  #context(count: number, rows: FeatureColumns, at: number): void {
    const availableAt = rows.availableAt[at]!
    const view = this.macro.viewAt(availableAt)
    const end = (at + 1) * MARKET_FEATURES
    const macroAt = end - view.values.length
    for (let i = macroAt; i < end; i++) rows.market[i] = view.values[i - macroAt]!
    rows.macroAgeMs[at] = availableAt - view.oldestReleaseAt

    const p = this.#settings
    let flags = count <= p.warmupBars ? FLAG.warmup : 0
    for (let i = end - MARKET_FEATURES; i < end; i++)
      if (Number.isNaN(rows.market[i]!)) flags |= FLAG.warmup
    if (rows.gapBars[at]! > p.maxGapBars) flags |= FLAG.gap
    if (rows.macroAgeMs[at]! > p.maxMacroAgeMs) flags |= FLAG.stale_macro
    rows.flags[at] = flags
  }

  #turnTo(day: number): void {
    this.#day = day
    this.#dayKind = this.#calendar.kindOf(day)
    this.#session = formatDay(day)
  }

  #stateOf(symbol: string): SymbolState {
    let state = this.#states.get(symbol)
    if (state === undefined) {
      state = new SymbolState(this.#contract, this.#calendar.barsPerSession)
      this.#states.set(symbol, state)
    }
    return state
  }
}

type Settings = ReturnType<typeof settingsOf>

function settingsOf({ definition: { features, flags } }: Contract) {
  const [, , , rsi, atr, adx] = features
  return {
    rsiPeriod: rsi.period,
    rsiZeroBranch: rsi.zeroBranch,
    atrPeriod: atr.period,
    adxPeriod: adx.period,
    warmupBars: flags.warmupBars,
    maxGapBars: flags.maxGapBars,
    maxMacroAgeMs: flags.maxMacroAgeDays * DAY_MS,
  }
}

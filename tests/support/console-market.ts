import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type {
  ConsoleBar,
  ConsoleDecision,
  ConsoleFeature,
  ConsoleFill,
  ConsoleTick,
} from '../../services/inference-gateway/console/wire.d.ts'

/** The account while the ticks are made; each tick takes a copy. */
type Account = { -readonly [Key in keyof ConsoleTick['account']]: ConsoleTick['account'][Key] }

const BARS_FILE = new URL('../../data/usdcop-m5.csv.gz', import.meta.url)
const BAR_MS = 300_000
const INITIAL_CASH_COP = 450_000_000
const NOTIONAL_USD = 100_000
const COST_A_SIDE = 17 / 10_000
const THRESHOLD = 0.33

const FEATURES: readonly (readonly [view: string, ...names: string[]])[] = [
  ['technical_features', 'log_ret_5m', 'log_ret_1h', 'log_ret_4h', 'rsi_9', 'atr_pct', 'adx_14'],
  [
    'macro_features',
    'dxy_z',
    'dxy_change_1d',
    'vix_z',
    'embi_z',
    'brent_change_1d',
    'rate_spread',
    'usdmxn_change_1d',
  ],
  ['state_features', 'position', 'time_normalized'],
]

/** Real bars of the session hours, oldest first: the newest `count` of the demo data. */
export async function readConsoleBars(count: number): Promise<ConsoleBar[]> {
  const csv = (await promisify(gunzip)(await readFile(BARS_FILE))).toString('utf8')
  return csv
    .trimEnd()
    .split('\n')
    .slice(1)
    .map(parseBar)
    .filter(({ barTime }) => isInSession(barTime))
    .slice(-count)
}

function parseBar(line: string): ConsoleBar {
  const [time = '', , open, high, low, close] = line.split(',')
  return {
    barTime: Date.parse(time),
    open: Number(open),
    high: Number(high),
    low: Number(low),
    close: Number(close),
    session: time.slice(0, 10),
  }
}

function isInSession(barTime: number): boolean {
  const minuteOfDay = (barTime / 60_000) % 1_440
  return minuteOfDay >= 780 && minuteOfDay <= 1_075
}

/**
 * The ticks that a gateway would send for `bars`: a momentum rule in place of a model, executed as
 * the contract says, and figures of the right shape and size in place of features and latencies.
 * The same bars always give the same ticks.
 */
export function consoleTicks(bars: readonly ConsoleBar[]): ConsoleTick[] {
  const random = seededRandom(20_250_630)
  const account: Account = {
    position: 0,
    pendingTarget: null,
    cash: INITIAL_CASH_COP,
    equity: INITIAL_CASH_COP,
    initialCash: INITIAL_CASH_COP,
    currency: 'COP',
    costsPaid: 0,
    peakEquity: INITIAL_CASH_COP,
    deepestDrawdown: 0,
  }
  const latencies: number[] = []
  return bars.map((bar, index) => {
    const sameSession = bars[index - 1]?.session === bar.session
    const fills = fillPending(account, bar, sameSession)
    account.equity = account.cash + account.position * NOTIONAL_USD * bar.close
    account.costsPaid += fills.reduce((sum, { costCop }) => sum + costCop, 0)
    account.peakEquity = Math.max(account.peakEquity, account.equity)
    account.deepestDrawdown = Math.min(
      account.deepestDrawdown,
      account.equity / account.peakEquity - 1,
    )
    const now = bar.barTime + BAR_MS
    const features = featuresOf(bars, index, account.position, random)
    const latency = latencyOf(latencies, random)
    const decision = decide(bars, index, latency.stages.total, features)
    account.pendingTarget = targetOf(decision.signal, account.position)
    return {
      now,
      bar,
      decision,
      fills,
      equity: {
        barTime: bar.barTime,
        availableAt: now,
        equity: account.equity,
        cash: account.cash,
        position: account.position,
        close: bar.close,
      },
      features,
      account: { ...account },
      latency,
    }
  })
}

function fillPending(account: Account, bar: ConsoleBar, sameSession: boolean) {
  const { position: from, pendingTarget: to } = account
  account.pendingTarget = null
  if (to === null || to === from || !sameSession) return []
  const units = (to - from) * NOTIONAL_USD
  const costCop = Math.abs(units) * bar.open * COST_A_SIDE
  account.cash -= units * bar.open + costCop
  account.position = to
  const fill: ConsoleFill = { barTime: bar.barTime, from, to, price: bar.open, costCop }
  return [fill]
}

function decide(
  bars: readonly ConsoleBar[],
  index: number,
  latencyMs: number,
  features: readonly ConsoleFeature[],
): ConsoleDecision {
  const bar = at(bars, index)
  const missing = barsMissingBefore(bars, index)
  const reasons = [
    ...(index < 20 ? ['warmup'] : []),
    ...(missing > 6 ? ['gap'] : []),
    ...(features.some(({ status }) => status === 'OUTSIDE_MAX_AGE')
      ? ['feature_outside_max_age']
      : []),
  ]
  const slow = Math.log(bar.close / at(bars, Math.max(0, index - 48)).close)
  const action = reasons.length > 0 ? null : Math.tanh(slow * 50)
  return {
    id: `decision-${bar.barTime}`,
    seq: index * 2,
    barTime: bar.barTime,
    decidedAt: bar.barTime + BAR_MS,
    signal: action === null ? null : signalOf(action),
    action,
    reasons,
    latencyMs,
  }
}

function barsMissingBefore(bars: readonly ConsoleBar[], index: number): number {
  const before = bars[index - 1]
  const bar = at(bars, index)
  return before?.session === bar.session ? (bar.barTime - before.barTime) / BAR_MS - 1 : 0
}

function signalOf(action: number): 'LONG' | 'SHORT' | 'FLAT' {
  if (action > THRESHOLD) return 'LONG'
  return action < -THRESHOLD ? 'SHORT' : 'FLAT'
}

function targetOf(signal: ConsoleDecision['signal'], position: number): number | null {
  if (signal === null) return null
  const target = { LONG: 1, FLAT: 0, SHORT: -1 }[signal]
  return target === position ? null : target
}

function featuresOf(
  bars: readonly ConsoleBar[],
  index: number,
  position: number,
  random: () => number,
): ConsoleFeature[] {
  const { barTime, close, session } = at(bars, index)
  const back = (count: number) => Math.log(close / at(bars, Math.max(0, index - count)).close)
  const day = Date.parse(session) / 86_400_000
  const timeNormalized = ((barTime / 60_000) % 1_440) / 295 - 780 / 295
  const values: Record<string, [value: number, normalised: number]> = {
    log_ret_5m: [back(1), back(1) * 1_100],
    log_ret_1h: [back(12), back(12) * 340],
    log_ret_4h: [back(48), back(48) * 180],
    rsi_9: [50 + back(9) * 9_000, back(9) * 600],
    atr_pct: [0.06 + random() * 0.01, -0.4 + random() * 0.3],
    adx_14: [24 + 12 * Math.sin(index / 30), Math.sin(index / 30)],
    dxy_z: [wave(day, 9), wave(day, 9) * 0.9],
    dxy_change_1d: [wave(day, 3) * 0.003, wave(day, 3) * 0.7],
    vix_z: [wave(day, 7), wave(day, 7) * 1.4],
    embi_z: [wave(day, 13), wave(day, 13) * 0.8],
    brent_change_1d: [wave(day, 4) * 0.02, wave(day, 4) * 0.9],
    rate_spread: [7.97, 1.62],
    usdmxn_change_1d: [wave(day, 5) * 0.006, wave(day, 5) * 0.8],
    position: [position, position],
    time_normalized: [timeNormalized, timeNormalized],
  }
  // Now and then a session's macro row arrives late: until then its features are yesterday's.
  const late = index % 220 >= 208
  return FEATURES.flatMap(([view, ...names]) =>
    names.map((name): ConsoleFeature => {
      const [value, normalised] = values[name] ?? [0, 0]
      const stale = late && view === 'macro_features'
      const released = Date.parse(session) + (12 * 60 + 50) * 60_000 - (stale ? 86_400_000 : 0)
      return {
        name,
        view,
        value,
        normalised: stale ? null : Math.max(-5, Math.min(5, normalised)),
        status: stale ? 'OUTSIDE_MAX_AGE' : 'PRESENT',
        eventTimestamp: view === 'macro_features' ? released : barTime + BAR_MS,
      }
    }),
  )
}

function latencyOf(latencies: number[], random: () => number): ConsoleTick['latency'] {
  const features = 0.5 + random() * 0.5
  const model = 0.08 + random() * 0.06
  const ledger = 0.9 + random() * 0.8 + (random() > 0.97 ? 4 : 0)
  const total = features + model + ledger + 0.15
  latencies.push(total)
  const sorted = latencies.slice(-500).sort((left, right) => left - right)
  return {
    p50Ms: at(sorted, Math.floor(sorted.length * 0.5)),
    p99Ms: at(sorted, Math.floor(sorted.length * 0.99)),
    stages: { features, model, ledger, total },
  }
}

function wave(day: number, period: number): number {
  return 1.3 * Math.sin((2 * Math.PI * day) / period)
}

/** Mulberry32: the same numbers on every machine. */
function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index]
  if (item === undefined) throw new RangeError(`no item ${index} in a list of ${list.length}`)
  return item
}

import { z } from 'zod'
import { canonicalHash } from './canonical.ts'
import { ContractError } from './errors.ts'

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'HH:MM expected')
const isoDate = z.iso.date()
const positive = z.number().positive()
const count = z.number().int().positive()

const technical = { view: z.literal('technical_features'), unit: z.string() }
const macro = { view: z.literal('macro_features'), unit: z.string() }
const state = { view: z.literal('state_features'), unit: z.string() }

const logReturn = <N extends string>(name: N) =>
  z.strictObject({
    name: z.literal(name),
    ...technical,
    kind: z.literal('log_return'),
    lagBars: count,
    clip: positive,
  })
const indicator = <N extends string, K extends string>(name: N, kind: K) =>
  z.strictObject({
    name: z.literal(name),
    ...technical,
    kind: z.literal(kind),
    period: z.number().int().min(2),
  })
const zScore = <N extends string>(name: N) =>
  z.strictObject({
    name: z.literal(name),
    ...macro,
    kind: z.literal('macro_z'),
    series: z.string(),
    window: count,
    minimum: z.number().int().min(2),
    clip: positive,
  })
const change = <N extends string>(name: N) =>
  z.strictObject({
    name: z.literal(name),
    ...macro,
    kind: z.literal('macro_change'),
    series: z.string(),
    clip: positive,
  })

/** The fifteen, in the order a model sees them; a position in this tuple is an index everywhere. */
const Features = z.tuple([
  logReturn('log_ret_5m'),
  logReturn('log_ret_1h'),
  logReturn('log_ret_4h'),
  indicator('rsi_9', 'rsi').extend({ zeroBranch: z.number() }),
  indicator('atr_pct', 'atr_percent'),
  indicator('adx_14', 'adx'),
  zScore('dxy_z'),
  change('dxy_change_1d'),
  zScore('vix_z'),
  zScore('embi_z'),
  change('brent_change_1d'),
  z.strictObject({
    name: z.literal('rate_spread'),
    ...macro,
    kind: z.literal('macro_spread'),
    series: z.string(),
    minus: z.string(),
  }),
  change('usdmxn_change_1d'),
  z.strictObject({ name: z.literal('position'), ...state, kind: z.literal('position') }),
  z.strictObject({
    name: z.literal('time_normalized'),
    ...state,
    kind: z.literal('time_of_session'),
  }),
])

const month = z.number().int().min(1).max(12)
const sinceYear = z.number().int().optional()
const weekday = z.enum([
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
])

const HolidayRule = z.union([
  z.strictObject({
    name: z.string(),
    month,
    day: z.number().int().min(1).max(31),
    /** next_monday: the Ley Emiliani. nearest_weekday: Saturday → Friday before, Sunday → Monday after. */
    observed: z.enum(['same_day', 'next_monday', 'nearest_weekday']),
    sinceYear,
  }),
  z.strictObject({
    name: z.string(),
    month,
    weekday,
    /** 1 is the first such weekday of the month, −1 the last. */
    nth: z.number().int().min(-1).max(4),
    sinceYear,
  }),
  z.strictObject({ name: z.string(), daysAfterEaster: z.number().int(), sinceYear }),
])
export type HolidayRule = z.infer<typeof HolidayRule>

const Calendar = z.strictObject({
  timezone: z.literal('UTC'),
  weekdays: z.array(weekday).min(1),
  /** Labels of the first and the last bar of a session; a label is the open of its bar. */
  firstBar: clockTime,
  lastBar: clockTime,
  barMinutes: count,
  holidays: z.record(z.string(), z.array(HolidayRule)),
})

const Definition = z.strictObject({
  features: Features,
  /** Whose indicators these are, to the branch taken at zero. */
  indicators: z.string(),
  calendar: Calendar,
  macro: z.strictObject({
    series: z.array(z.string()).min(1),
    release: z.strictObject({ day: z.literal('next_session_day'), at: clockTime }),
  }),
  flags: z.strictObject({ warmupBars: count, maxGapBars: count, maxMacroAgeDays: positive }),
})

const Statistics = z.strictObject({
  from: isoDate,
  to: isoDate,
  rows: count,
  /** Of the raw features, in contract order; population standard deviation. */
  mean: z.array(z.number()).length(13),
  std: z.array(positive).length(13),
})

const bps = z.number().nonnegative()

const ContractFile = z.strictObject({
  name: z.string().min(1),
  version: z.string().min(1),
  definition: Definition,
  statistics: Statistics,
  normalisation: z.strictObject({ clip: positive }),
  limits: z.strictObject({ maxBarAgeMinutes: positive }),
  mapping: z.strictObject({
    actionMin: z.number(),
    actionMax: z.number(),
    longAbove: z.number(),
    shortBelow: z.number(),
  }),
  execution: z.strictObject({
    targets: z.tuple([z.literal(-1), z.literal(0), z.literal(1)]),
    fillAt: z.literal('next_bar_open_same_session'),
    atSessionEnd: z.literal('order_expires_position_carried'),
    onRefusal: z.literal('order_cancelled_position_kept'),
    commissionBps: bps,
    slippageBps: bps,
    currency: z.literal('COP'),
    notionalUsd: positive,
    initialCashCop: positive,
  }),
})
type ContractFile = z.infer<typeof ContractFile>

/** The observation contract: the file as it stands, and what follows from it. */
export interface Contract extends Readonly<ContractFile> {
  /** The 15 feature names in contract order; the first 13 are the market features. */
  readonly names: readonly string[]
  /** Over names, order, parameters, calendar and release rules: what a stored row depends on. */
  readonly definitionHash: string
  /** Over the whole file: what a model and a decision depend on. */
  readonly contractHash: string
}

/** How many of the names are market features, stored raw and normalised for a model. */
export const MARKET_FEATURES = 13

/** Reads a contract strictly; throws a ContractError that names every fault. */
export function parseContract(json: unknown): Contract {
  const parsed = ContractFile.safeParse(json)
  if (!parsed.success) throw new ContractError(z.prettifyError(parsed.error))
  const file = parsed.data
  const unknownSeries = seriesOf(file).filter((s) => !file.definition.macro.series.includes(s))
  if (unknownSeries.length > 0)
    throw new ContractError(`features use undeclared macro series: ${unknownSeries.join(', ')}`)
  return Object.freeze({
    ...file,
    names: file.definition.features.map(({ name }) => name),
    definitionHash: canonicalHash(file.definition),
    contractHash: canonicalHash(file),
  })
}

function seriesOf(file: ContractFile): string[] {
  return file.definition.features.flatMap((feature) => {
    if (feature.kind === 'macro_spread') return [feature.series, feature.minus]
    return 'series' in feature ? [feature.series] : []
  })
}

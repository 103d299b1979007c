import type { OfflineColumn } from '@usdcop/feast/registry/offline-writer'
import type { SchemaElement } from 'hyparquet'

/** A value as `hyparquet-writer` takes it for a column: bare numbers of the column's own unit. */
export type Cell = boolean | number | bigint | string | Uint8Array | readonly Cell[] | null
/** Undefined says that the column cannot hold the value. */
export type ToCell = (value: unknown) => Cell | undefined

/**
 * How values of one of Feast's types are written to a column of a file; undefined where the column is of
 * another kind. Nothing is rounded, cut off or wrapped on the way.
 */
export function cellsFor(
  valueType: OfflineColumn['valueType'],
  element: SchemaElement,
): ToCell | undefined {
  const { type, converted_type: converted, logical_type: logical } = element
  if (converted === 'DECIMAL') return valueType === 'DECIMAL' ? decimalCell(element) : undefined
  const ticks = ticksASecond(element)
  if (ticks !== undefined) return momentCell(valueType, (moment) => moment(ticks))
  if (converted === 'DATE') return momentCell(valueType, daysOf)
  if (logical?.type === 'UUID') return isOneOf(valueType, ['UUID', 'TIME_UUID']) ? asIs : undefined
  if (type === 'BOOLEAN') return valueType === 'BOOL' ? asIs : undefined
  if (type === 'INT32' || type === 'INT64')
    return isOneOf(valueType, NUMBERS) ? integerCell(element) : undefined
  if (type === 'FLOAT' || type === 'DOUBLE')
    return isOneOf(valueType, NUMBERS) ? floatCell : undefined
  if (type !== 'BYTE_ARRAY') return undefined
  if (converted === 'UTF8') return isOneOf(valueType, TEXTS) ? asIs : undefined
  return converted === undefined && valueType === 'BYTES' ? asIs : undefined
}

const NUMBERS = ['INT32', 'INT64', 'FLOAT', 'DOUBLE', 'UNIX_TIMESTAMP']
const TEXTS = ['STRING', 'JSON', 'UUID', 'TIME_UUID', 'DECIMAL']

function isOneOf(valueType: string, types: readonly string[]): boolean {
  return types.includes(valueType)
}

const asIs: ToCell = (value) => value as Cell

const SIZES: Readonly<Record<string, readonly [bits: number, signed: boolean]>> = {
  INT_8: [8, true],
  INT_16: [16, true],
  INT_32: [32, true],
  INT_64: [64, true],
  UINT_8: [8, false],
  UINT_16: [16, false],
  UINT_32: [32, false],
  UINT_64: [64, false],
}

function integerCell({ type, converted_type: converted }: SchemaElement): ToCell {
  const [bits, signed] = SIZES[converted ?? ''] ?? [type === 'INT32' ? 32 : 64, true]
  return (value) => {
    if (typeof value === 'number' && !Number.isInteger(value)) return undefined
    const integer = BigInt(value as number | bigint)
    const held = signed ? BigInt.asIntN(bits, integer) : BigInt.asUintN(bits, integer)
    if (held !== integer) return undefined
    return type === 'INT32' ? Number(integer) : integer
  }
}

const floatCell: ToCell = (value) => {
  const float = Number(value)
  return typeof value === 'bigint' && BigInt(float) !== value ? undefined : float
}

/** An instant as a number of ticks, of so many a second; undefined between two of them. */
type Moment = (ticksASecond: bigint) => bigint | undefined

function momentCell(
  valueType: string,
  of: (moment: Moment) => Cell | undefined,
): ToCell | undefined {
  if (valueType === 'UNIX_TIMESTAMP') return (value) => of((ticks) => (value as bigint) * ticks)
  if (valueType !== 'INSTANT') return undefined
  return (value) =>
    of((ticks) => {
      // What parses instants keeps microseconds, in a float of milliseconds.
      const micros = BigInt(Math.round((value as number) * 1_000))
      if (ticks >= MICROS) return micros * (ticks / MICROS)
      return micros % (MICROS / ticks) === 0n ? micros / (MICROS / ticks) : undefined
    })
}

const MICROS = 1_000_000n
const DAY_SECONDS = 86_400n

function ticksASecond({
  converted_type: converted,
  logical_type: logical,
}: SchemaElement): bigint | undefined {
  if (logical?.type === 'TIMESTAMP')
    return { MILLIS: 1_000n, MICROS, NANOS: 1_000_000_000n }[logical.unit]
  if (converted === 'TIMESTAMP_MILLIS') return 1_000n
  return converted === 'TIMESTAMP_MICROS' ? MICROS : undefined
}

function daysOf(moment: Moment): number | undefined {
  const seconds = moment(1n)
  if (seconds === undefined || seconds % DAY_SECONDS !== 0n) return undefined
  return Number(seconds / DAY_SECONDS)
}

/** The unscaled integer of a decimal's text. */
function decimalCell({ scale = 0, precision = 0 }: SchemaElement): ToCell {
  return (value) => {
    const parts = /^\s*(?<sign>[+-]?)(?<whole>\d*)\.?(?<fraction>\d*)\s*$/.exec(value as string)
    const { sign = '', whole = '', fraction = '' } = parts?.groups ?? {}
    const kept = fraction.replace(/0+$/, '')
    if (parts === null || whole + fraction === '' || kept.length > scale) return undefined
    const digits = BigInt(whole + kept.padEnd(scale, '0'))
    return digits < 10n ** BigInt(precision) ? (sign === '-' ? -digits : digits) : undefined
  }
}

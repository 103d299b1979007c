import type { ZonedInstant } from './value-types.ts'

/** What Feast stores for a time that is none. */
const NOT_A_TIME = -(2n ** 63n)
/** The years that a Python datetime can hold. */
const FIRST_SECOND = -62_135_596_800
const LAST_SECOND = 253_402_300_799

/** A zoned instant as Python's `isoformat` writes it; null where it is no time that Python has. */
export function zonedText({ seconds, zone }: ZonedInstant): string | null {
  const instant = Number(seconds)
  if (seconds === NOT_A_TIME || !inPython(instant)) return null
  const offset = fixedOffset(zone) ?? namedOffset(zone, instant * 1_000) ?? 0
  if (!inPython(instant + offset)) return null
  const wall = new Date((instant + offset) * 1_000).toISOString().slice(0, 19)
  return `${wall}${offsetText(offset)}`
}

function inPython(seconds: number): boolean {
  return seconds >= FIRST_SECOND && seconds <= LAST_SECOND
}

/** Seconds east of UTC of `UTC-05:00`, `-05:00` or `-0500`; an empty zone is UTC. */
function fixedOffset(zone: string): number | undefined {
  const text = zone.trim()
  if (text === '' || text === 'UTC' || text === 'GMT') return 0
  const parts = /^(?:UTC|GMT)?(?<sign>[+-])(?<hours>\d{2}):?(?<minutes>\d{2})$/.exec(text)?.groups
  if (parts === undefined) return undefined
  const seconds = Number(parts['hours']) * 3_600 + Number(parts['minutes']) * 60
  return parts['sign'] === '-' ? -seconds : seconds
}

/** Of an IANA zone at an instant; undefined for a name that nobody knows, which Feast reads as UTC. */
function namedOffset(zone: string, instantMs: number): number | undefined {
  const name = formatOf(zone)
    ?.formatToParts(instantMs)
    .find(({ type }) => type === 'timeZoneName')?.value
  if (name === undefined) return undefined
  const parts = /(?<sign>[+-])(?<h>\d\d):(?<m>\d\d)(?::(?<s>\d\d))?$/.exec(name)?.groups
  if (parts === undefined) return 0
  const seconds = Number(parts['h']) * 3_600 + Number(parts['m']) * 60 + Number(parts['s'] ?? 0)
  return parts['sign'] === '-' ? -seconds : seconds
}

/** Making one costs far more than using it; there are some 600 zones, and unknown names are not kept. */
const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat | undefined {
  const known = formats.get(zone)
  if (known !== undefined) return known
  try {
    const made = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
    formats.set(zone, made)
    return made
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function offsetText(seconds: number): string {
  const [sign, whole] = seconds < 0 ? ['-', -seconds] : ['+', seconds]
  const two = (part: number) => String(part).padStart(2, '0')
  const rest = whole % 60 === 0 ? '' : `:${two(whole % 60)}`
  return `${sign}${two(Math.floor(whole / 3_600))}:${two(Math.floor(whole / 60) % 60)}${rest}`
}

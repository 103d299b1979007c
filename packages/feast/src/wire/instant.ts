const ISO =
  /^(?<date>\d{4}-\d\d-\d\d)(?:[T ](?<clock>\d\d:\d\d(?::\d\d)?)(?:[.,](?<fraction>\d{1,9}))?\s*(?<zone>Z|[+-]\d\d(?::?\d\d)?)?)?$/i

/**
 * An ISO 8601 instant as epoch milliseconds, fraction and all to the microsecond; without a zone it is
 * UTC, as everywhere in Feast. Undefined where the text is no instant.
 */
export function parseInstant(text: string): number | undefined {
  const groups = ISO.exec(text.trim())?.groups
  if (groups === undefined) return undefined
  const { date, clock = '00:00', fraction = '', zone = 'Z' } = groups
  const time = clock.length === 5 ? `${clock}:00` : clock
  const whole = Date.parse(`${date}T${time}${offsetOf(zone)}`)
  // Date.parse lets the 31st of February roll over into March.
  if (Number.isNaN(whole) || new Date(`${date}T00:00:00Z`).getUTCDate() !== Number(date?.slice(8)))
    return undefined
  return (whole * 1_000 + Number(fraction.slice(0, 6).padEnd(6, '0'))) / 1_000
}

function offsetOf(zone: string): string {
  if (zone.toUpperCase() === 'Z') return 'Z'
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0')
  return `${zone[0]}${digits.slice(0, 2)}:${digits.slice(2)}`
}

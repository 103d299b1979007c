/** Numbers, instants and spans as a desk reads them: fixed widths, a real minus, UTC unless said. */

const MINUS = '\u2212'
const THIN_SPACE = '\u2009'
export const NOTHING = '\u2014'

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const grouped = [0, 1, 2, 3, 4].map(
  (digits) =>
    new Intl.NumberFormat('en-US', {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }),
)
const bogota = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'America/Bogota',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
})

/**
 * Grouped by thousands, with `digits` decimals.
 *
 * @param {number} value
 * @param {0 | 1 | 2 | 3 | 4} digits
 */
export function formatNumber(value, digits) {
  const text = /** @type {Intl.NumberFormat} */ (grouped[digits]).format(Math.abs(value))
  return isBelowZero(value, text) ? MINUS + text : text
}

/**
 * The same, with a plus where it is positive.
 *
 * @param {number} value
 * @param {0 | 1 | 2 | 3 | 4} digits
 */
export function formatSigned(value, digits) {
  const text = formatNumber(value, digits)
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : text
}

/**
 * A fraction as a signed percentage: 0.0123 → +1.23 %.
 *
 * @param {number} fraction
 */
export function formatPercent(fraction) {
  return `${formatSigned(fraction * 100, 2)}${THIN_SPACE}%`
}

/**
 * A raw feature, whose scale runs from 1e-5 (a five-minute return) to 100 (an oscillator).
 *
 * @param {number} value
 */
export function formatFeature(value) {
  const size = Math.abs(value)
  if (size === 0) return '0'
  if (size >= 10) return formatNumber(value, 2)
  if (size >= 0.1) return formatNumber(value, 3)
  const text = size.toFixed(6)
  return isBelowZero(value, text) ? MINUS + text : text
}

/** @param {number} instant */
export function formatTime(instant) {
  return new Date(instant).toISOString().slice(11, 16)
}

/** @param {number} instant */
export function formatBogotaTime(instant) {
  return bogota.format(instant)
}

/** @param {number} instant */
export function formatDate(instant) {
  return `${formatDay(instant)} ${new Date(instant).getUTCFullYear()}`
}

/** @param {number} instant */
export function formatDay(instant) {
  const date = new Date(instant)
  return `${WEEKDAYS[date.getUTCDay()]} ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`
}

/**
 * How long ago, to the unit that matters: 45 s, 5 min, 2 h 05, 3 d 04 h.
 *
 * @param {number} ageMs
 */
export function formatAge(ageMs) {
  const seconds = Math.max(0, Math.floor(ageMs / 1_000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${twoDigits(minutes % 60)}`
  return `${Math.floor(hours / 24)} d ${twoDigits(hours % 24)} h`
}

/**
 * Milliseconds with about three figures: 0.42 ms, 3.1 ms, 128 ms.
 *
 * @param {number} spanMs
 */
export function formatMs(spanMs) {
  if (spanMs < 1) return `${spanMs.toFixed(2)} ms`
  return `${spanMs.toFixed(spanMs < 100 ? 1 : 0)} ms`
}

/** @param {number} position */
export function formatPosition(position) {
  if (position > 0) return 'Long'
  return position < 0 ? 'Short' : 'Flat'
}

/** @param {number} count */
function twoDigits(count) {
  return String(count).padStart(2, '0')
}

/**
 * A value that rounds to nothing is not below zero.
 *
 * @param {number} value
 * @param {string} text
 */
function isBelowZero(value, text) {
  return value < 0 && /[1-9]/.test(text)
}

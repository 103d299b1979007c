/**
 * Bars and equity as columns on one axis of bars. Time is not drawn to scale: nights and weekends
 * take no room but one empty row, which breaks the line and carries the separator.
 *
 * @import { ConsoleBar, ConsoleEquity } from './wire.d.ts'
 */

/** A full session: 13:00 to 17:55 UTC. */
export const SESSION_BARS = 60
const BARS_AN_HOUR = 12
const HOUR_MS = 3_600_000
const OPENING_HOUR = 13

/**
 * @typedef {object} SessionSpan
 * @property {string} session
 * @property {number} startAt time of its first bar shown
 * @property {number} start row of its first bar
 * @property {number} end row after its last bar
 */

/**
 * @typedef {object} ChartRows columns of one length; null where a row separates two sessions
 * @property {number[]} x
 * @property {(ConsoleBar | null)[]} bars
 * @property {(number | null)[]} close
 * @property {(number | null)[]} high
 * @property {(number | null)[]} low
 * @property {(number | null)[]} returns equity against initial cash, as a fraction
 * @property {(number | null)[]} positions held at the bar's close
 * @property {SessionSpan[]} sessions oldest first
 * @property {ReadonlyMap<number, number>} rowOf row of a bar time
 */

/**
 * @param {readonly ConsoleBar[]} bars
 * @param {readonly ConsoleEquity[]} equity
 * @param {number | null} initialCash
 * @returns {ChartRows}
 */
export function chartRows(bars, equity, initialCash) {
  const equityAt = new Map(equity.map((point) => [point.barTime, point]))
  /** @type {Map<number, number>} */
  const rowOf = new Map()
  /** @type {ChartRows} */
  const rows = {
    x: [],
    bars: [],
    close: [],
    high: [],
    low: [],
    returns: [],
    positions: [],
    sessions: [],
    rowOf,
  }
  for (const bar of bars) {
    let session = rows.sessions.at(-1)
    if (session?.session !== bar.session) {
      if (session) pushRow(rows, null, undefined, initialCash)
      const start = rows.x.length
      session = { session: bar.session, startAt: bar.barTime, start, end: start }
      rows.sessions.push(session)
    }
    rowOf.set(bar.barTime, rows.x.length)
    pushRow(rows, bar, equityAt.get(bar.barTime), initialCash)
    session.end = rows.x.length
  }
  return rows
}

/**
 * @param {ChartRows} rows
 * @param {ConsoleBar | null} bar
 * @param {ConsoleEquity | undefined} equity
 * @param {number | null} initialCash
 */
function pushRow(rows, bar, equity, initialCash) {
  rows.x.push(rows.x.length)
  rows.bars.push(bar)
  rows.close.push(bar?.close ?? null)
  rows.high.push(bar?.high ?? null)
  rows.low.push(bar?.low ?? null)
  rows.returns.push(equity && initialCash ? equity.equity / initialCash - 1 : null)
  rows.positions.push(equity?.position ?? null)
}

/**
 * The rows shown for the newest `count` sessions. Room is kept for the rest of the running session,
 * so that the line grows to the right and nothing else moves.
 *
 * @param {ChartRows} rows
 * @param {number} count
 * @returns {[from: number, to: number]}
 */
export function windowOf({ sessions }, count) {
  const first = sessions[Math.max(0, sessions.length - count)]
  const newest = sessions.at(-1)
  if (!first || !newest) return [0, SESSION_BARS]
  return [first.start - 1, Math.max(newest.end, newest.start + SESSION_BARS)]
}

/**
 * Where the time axis is labelled: rows on a full hour after the opening, which the rule between
 * sessions marks already, and `apart` rows from each other. None where not every second hour fits.
 *
 * @param {ChartRows} rows
 * @param {number} from
 * @param {number} to
 * @param {number} apart
 */
export function hourRows(rows, from, to, apart) {
  /** @type {number[]} */
  const found = []
  if (apart > 2 * BARS_AN_HOUR) return found
  const step = apart > BARS_AN_HOUR ? 2 : 1
  for (let row = Math.max(0, Math.ceil(from)); row < Math.min(rows.x.length, to); row += 1) {
    const bar = rows.bars[row]
    if (!bar || bar.barTime % HOUR_MS !== 0) continue
    const hours = ((bar.barTime / HOUR_MS) % 24) - OPENING_HOUR
    const clear = row - (found.at(-1) ?? -Infinity) >= apart
    if (hours > 0 && hours % step === 0 && clear) found.push(row)
  }
  return found
}

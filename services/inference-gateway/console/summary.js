/**
 * The few numbers at the head of the panels.
 *
 * @import { ConsoleBar, ConsoleTick } from './wire.d.ts'
 * @import { ConsoleState } from './state.js'
 */
import { SESSION_BARS } from './series.js'

const BAR_MS = 300_000
const SESSION_OPENS_MS = 13 * 3_600_000
const DAY_MS = 86_400_000

/**
 * The newest price against the close of the session before, or against this session's first open
 * where that is not held.
 *
 * @param {readonly ConsoleBar[]} bars
 */
export function priceChange(bars) {
  const newest = bars.at(-1)
  if (!newest) return null
  const start = bars.findIndex((bar) => bar.session === newest.session)
  const before = bars[start - 1]
  const base = before?.close ?? /** @type {ConsoleBar} */ (bars[start]).open
  return {
    price: newest.close,
    change: newest.close - base,
    fraction: newest.close / base - 1,
    since: before ? before.session : null,
  }
}

/**
 * Which of the running session's 60 places hold a bar, and how far it has come.
 *
 * @param {readonly ConsoleBar[]} bars
 */
export function sessionProgress(bars) {
  const newest = bars.at(-1)
  const arrived = Array.from({ length: SESSION_BARS }, () => false)
  if (!newest) return { arrived, place: 0, missing: 0 }
  for (const bar of bars) if (bar.session === newest.session) arrived[placeOf(bar.barTime)] = true
  const place = placeOf(newest.barTime) + 1
  return { arrived, place, missing: arrived.slice(0, place).filter((here) => !here).length }
}

/**
 * The place of a bar in its session, 0 at 13:00 UTC.
 *
 * @param {number} barTime
 */
function placeOf(barTime) {
  return Math.round(((barTime % DAY_MS) - SESSION_OPENS_MS) / BAR_MS)
}

/**
 * Return and falls since the account was opened, which is longer than what is drawn here.
 *
 * @param {ConsoleTick['account']} account
 */
export function performanceOf({ equity, initialCash, peakEquity, deepestDrawdown }) {
  return {
    fraction: equity / initialCash - 1,
    drawdown: equity / peakEquity - 1,
    deepestDrawdown,
  }
}

/**
 * What the market's clock says. In life it runs on between two bars; in a replay and in a demo
 * it stands until the next one, and so does every age.
 *
 * @param {ConsoleState} state
 * @param {number} sinceReceivedMs wall time since the state last changed
 */
export function domainNow(state, sinceReceivedMs) {
  return state.status.mode === 'live' ? state.now + sinceReceivedMs : state.now
}

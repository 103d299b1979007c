/**
 * The head of the page: price, the market's two clocks, the session, the run.
 *
 * @import { ConsoleStatus } from './wire.d.ts'
 * @import { ConsoleState } from './state.js'
 */
import { byId, element, setData, setText, trendOf } from './dom.js'
import {
  formatBogotaTime,
  formatDate,
  formatNumber,
  formatPercent,
  formatSigned,
  formatTime,
  NOTHING,
} from './format.js'
import { SESSION_BARS } from './series.js'
import { priceChange, sessionProgress } from './summary.js'

const MODES = { replay: 'Replay', demo: 'Demo', live: 'Live' }
const STATES = { loading: 'loading history', running: 'running', finished: 'end of data' }

export function createHeader() {
  const cells = Array.from({ length: SESSION_BARS }, () => element('span', 'bar'))
  byId('session-strip').append(...cells)
  const nodes = {
    symbol: byId('symbol'),
    price: byId('price'),
    change: byId('change'),
    utc: byId('clock-utc'),
    bogota: byId('clock-bogota'),
    date: byId('clock-date'),
    place: byId('session-place'),
    strip: byId('session-strip'),
    mode: byId('run-mode'),
    run: byId('run-state'),
    progress: /** @type {HTMLProgressElement} */ (byId('run-progress')),
  }
  /** @type {ConsoleState['bars'] | null} */
  let drawnBars = null

  return {
    /** @param {ConsoleState} state */
    render(state) {
      setText(nodes.symbol, state.symbol)
      renderRun(state.status, nodes)
      if (state.bars === drawnBars) return
      drawnBars = state.bars
      renderPrice(state, nodes)
      const { arrived, place, missing } = sessionProgress(state.bars)
      cells.forEach((cell, index) =>
        setData(cell, 'bar', index >= place ? 'ahead' : arrived[index] ? 'here' : 'missing'),
      )
      const gaps = missing > 0 ? `, ${missing} missing` : ''
      setText(nodes.place, `bar ${place} of ${SESSION_BARS}${gaps}`)
      nodes.strip.setAttribute(
        'aria-label',
        `Bar ${place} of ${SESSION_BARS} of the session${gaps}`,
      )
    },
    /** @param {ConsoleState} state */
    renderTitle(state) {
      const newest = priceChange(state.bars)
      if (newest) document.title = `${formatNumber(newest.price, 2)} ${state.symbol}`
    },
    /** @param {number} now the domain clock */
    renderClock(now) {
      setText(nodes.utc, formatTime(now))
      setText(nodes.bogota, formatBogotaTime(now))
      setText(nodes.date, formatDate(now))
    },
  }
}

/**
 * @param {ConsoleState} state
 * @param {{ price: HTMLElement, change: HTMLElement }} nodes
 */
function renderPrice(state, nodes) {
  const newest = priceChange(state.bars)
  if (!newest) {
    setText(nodes.price, NOTHING)
    setText(nodes.change, '')
    return
  }
  const price = formatNumber(newest.price, 2)
  const trend = trendOf(newest.change)
  const sign = { up: '▲', down: '▼', even: '' }[trend]
  setText(nodes.price, price)
  setText(
    nodes.change,
    `${sign} ${formatSigned(newest.change, 2)}  ${formatPercent(newest.fraction)}`,
  )
  setData(nodes.change, 'trend', trend)
  nodes.change.title = newest.since
    ? `since the close of ${newest.since}`
    : "since this session's open"
}

/**
 * @param {ConsoleStatus} status
 * @param {{ mode: HTMLElement, run: HTMLElement, progress: HTMLProgressElement }} nodes
 */
function renderRun(status, { mode, run, progress }) {
  setText(mode, MODES[status.mode])
  setText(run, describeRun(status))
  setData(run, 'state', status.state)
  progress.hidden = status.progress === null
  if (status.progress) progress.value = status.progress.done / Math.max(1, status.progress.total)
}

/** @param {ConsoleStatus} status */
export function describeRun({ mode, state, speed, progress }) {
  const parts = [STATES[state]]
  if (mode === 'replay' && state === 'running') {
    if (speed === null) parts.push('as fast as possible')
    else parts.push(`${Number(speed.toFixed(2))} ${speed === 1 ? 'bar' : 'bars'}/s`)
  }
  if (mode === 'demo' && state === 'running' && speed !== null)
    parts.push(`${Number(speed.toFixed(2))} × market time`)
  if (progress && state !== 'finished' && progress.total > 0)
    parts.push(`${Math.floor((progress.done / progress.total) * 100)}%`)
  return parts.join(' · ')
}

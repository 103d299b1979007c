/**
 * Wires the feed to the panels. State changes as messages arrive; the page is drawn at most once a
 * frame, however many arrived, and each panel only where its slice of the state changed.
 *
 * @import { Connection } from './connection.js'
 * @import { ConsoleState } from './state.js'
 */
import { createAccount } from './account.js'
import { FeedConnection } from './connection.js'
import { createDecisions } from './decisions.js'
import { byId, setText } from './dom.js'
import { createEquityChart } from './equity-chart.js'
import { createFeatures } from './features.js'
import { createHeader } from './header.js'
import { createLatency } from './latency.js'
import { createNotice } from './notice.js'
import { createPriceChart } from './price-chart.js'
import { chartRows } from './series.js'
import { applyStatus, applyTick, fromSnapshot } from './state.js'
import { domainNow } from './summary.js'
import { onSchemeChange } from './theme.js'

const CLOCK_MS = 1_000
/** Long enough hidden that a laptop may have slept and the stream with it. */
const AWAY_MS = 30_000

/** @type {ConsoleState | null} */
let state = null
/** @type {Connection} */
let connection = { state: 'connecting' }
let receivedAt = 0
let connectionChangedAt = 0
let sessionsShown = 3
let drawnSessions = 0
let frame = 0
/** @type {ConsoleState | null} */
let drawn = null

const header = createHeader()
const notice = createNotice()
const priceChart = createPriceChart()
const equityChart = createEquityChart()
const features = createFeatures()
const decisions = createDecisions()
const account = createAccount()
const latency = createLatency()
const lineage = byId('lineage')

const feed = new FeedConnection({
  onSnapshot: (snapshot) => become(fromSnapshot(snapshot)),
  onTick: (tick) => state && become(applyTick(state, tick)),
  onStatus(status) {
    if (!state) return
    const loaded = state.status.state === 'loading' && status.state !== 'loading'
    become(applyStatus(state, status))
    // No tick tells of the bars that came in as history.
    if (loaded) feed.refresh()
  },
  onConnection(next) {
    connection = next
    connectionChangedAt = performance.now()
    schedule()
  },
})

/** @param {ConsoleState} next */
function become(next) {
  state = next
  receivedAt = performance.now()
  schedule()
}

function schedule() {
  frame ||= requestAnimationFrame(render)
}

function render() {
  frame = 0
  if (state && (state !== drawn || sessionsShown !== drawnSessions)) renderState(state)
  renderClock()
}

/** @param {ConsoleState} next */
function renderState(next) {
  header.render(next)
  if (next.bars !== drawn?.bars || sessionsShown !== drawnSessions) {
    const rows = chartRows(next.bars, next.equity, next.last?.account.initialCash ?? null)
    priceChart.render(next, rows, sessionsShown)
    equityChart.render(rows, sessionsShown)
  }
  account.render(next)
  if (next.last) features.render(next.last.features)
  decisions.render(next.decisions)
  latency.render(next)
  setText(lineage, describeLineage(next))
  drawn = next
  drawnSessions = sessionsShown
}

/** What depends on the time of day and not only on what was received. */
function renderClock() {
  const wall = performance.now()
  const retryMs = connection.state === 'waiting' ? connection.retryMs : 0
  notice.render(state, connection, Math.max(0, retryMs - (wall - connectionChangedAt)))
  if (!state) return
  const now = domainNow(state, wall - receivedAt)
  header.renderClock(now)
  features.renderAges(now)
}

/** @param {ConsoleState} next */
function describeLineage({ contract, model }) {
  const policy = model
    ? `${model.name} ${model.version} (${model.sha256.slice(0, 8)})`
    : 'none loaded'
  return `Contract ${contract.version} (${contract.contractHash.slice(0, 8)}) · Model ${policy}`
}

function watchReader() {
  byId('window').addEventListener('change', ({ target }) => {
    if (target instanceof HTMLInputElement) sessionsShown = Number(target.value)
    schedule()
  })
  onSchemeChange(() => {
    priceChart.redraw()
    equityChart.redraw()
  })
  let hiddenAt = 0
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) hiddenAt = performance.now()
    else if (performance.now() - hiddenAt > AWAY_MS) feed.refresh()
  })
  addEventListener('online', () => feed.refresh())
}

watchReader()
setInterval(() => {
  renderClock()
  if (state) header.renderTitle(state)
}, CLOCK_MS)
feed.open()

/**
 * What the price and the equity chart share: an axis of bars with separated sessions, a value axis
 * on the right, one crosshair for both, colours that follow the scheme.
 *
 * @import { ChartRows } from './series.js'
 */
import uPlot from '/console/vendor/uplot.js'
import { formatDay, formatTime } from './format.js'
import { hourRows, windowOf } from './series.js'
import { currentPalette } from './theme.js'

const FONT_PX = 11
const HOUR_LABEL_PX = 46
const DAY_LABEL_PX = 68
const AXIS_PX = 66

/**
 * @typedef {object} BarChart
 * @property {uPlot} plot
 * @property {() => ChartRows} rows
 * @property {(rows: ChartRows, sessions: number) => void} draw
 */

/**
 * @typedef {object} BarChartOptions
 * @property {HTMLElement} target
 * @property {uPlot.Series[]} series
 * @property {(rows: ChartRows) => (number | null)[][]} columns one for each series
 * @property {(value: number, step: number, plot: uPlot) => string} formatValue labels of the value axis
 * @property {number} smallestRange the value axis never spans less than this
 * @property {boolean} hours whether the time axis is labelled
 * @property {(plot: uPlot, rows: ChartRows) => void} drawOver
 * @property {(row: number | null) => void} onHover the row under the crosshair
 */

/**
 * @param {BarChartOptions} options
 * @returns {BarChart}
 */
export function createBarChart({ target, series, columns, formatValue, drawOver, ...options }) {
  /** @type {ChartRows} */
  let rows = emptyRows()
  let sessionsShown = 1

  const plot = new uPlot(
    {
      ...sizeOf(target),
      padding: [18, 0, options.hours ? 0 : 6, 0],
      legend: { show: false },
      cursor: {
        drag: { x: false, y: false, setScale: false },
        points: { size: 7 },
        sync: { key: 'bars', scales: ['x', null] },
      },
      scales: {
        x: { time: false, range: () => windowOf(rows, sessionsShown) },
        y: { range: (_plot, min, max) => paddedRange(min, max, options.smallestRange) },
      },
      axes: [
        timeAxis(() => rows, options.hours),
        {
          side: 1,
          size: AXIS_PX,
          gap: 8,
          font: axisFont(),
          stroke: () => currentPalette().soft,
          space: 40,
          grid: { stroke: () => currentPalette().grid, width: 1 },
          ticks: { show: false },
          values: (self, splits, _axis, _space, step) =>
            splits.map((value) => formatValue(value, step, self)),
        },
      ],
      series: [{}, ...series],
      hooks: {
        drawClear: [(self) => drawSessions(self, rows, options.hours)],
        draw: [(self) => keepingContext(self, () => drawOver(self, rows))],
        setCursor: [(self) => options.onHover(hoveredRow(self, rows))],
      },
    },
    [[], ...series.map(() => [])],
    target,
  )

  new ResizeObserver(() => plot.setSize(sizeOf(target))).observe(target)
  return {
    plot,
    rows: () => rows,
    draw(next, sessions) {
      rows = next
      sessionsShown = sessions
      plot.setData([rows.x, ...columns(rows)])
      // The labels give way to the price tag, which moves also while the scale stays.
      plot.redraw(false, true)
    },
  }
}

/** @returns {ChartRows} */
function emptyRows() {
  return {
    x: [],
    bars: [],
    close: [],
    high: [],
    low: [],
    returns: [],
    positions: [],
    sessions: [],
    rowOf: new Map(),
  }
}

/**
 * @param {() => ChartRows} rows
 * @param {boolean} shown
 * @returns {uPlot.Axis}
 */
function timeAxis(rows, shown) {
  return {
    show: shown,
    size: 26,
    gap: 8,
    font: axisFont(),
    stroke: () => currentPalette().soft,
    grid: { show: false },
    ticks: { show: false },
    splits: (plot, _axis, min, max) => {
      const pixelsABar = (plot.width - AXIS_PX) / (max - min)
      return hourRows(rows(), min, max, HOUR_LABEL_PX / pixelsABar)
    },
    values: (_plot, splits) =>
      splits.map((row) => {
        const bar = rows().bars[row]
        return bar ? formatTime(bar.barTime) : ''
      }),
  }
}

/**
 * A rule where a session begins, with its day above it. From the newest back: where sessions are
 * too short for their names, it is the older name that gives way.
 *
 * @param {uPlot} plot
 * @param {ChartRows} rows
 * @param {boolean} named
 */
function drawSessions(plot, rows, named) {
  const { ctx, bbox } = plot
  const palette = currentPalette()
  const ratio = devicePixelRatio
  ctx.save()
  if (named) ctx.font = `${FONT_PX * ratio}px ${palette.font}`
  ctx.textAlign = 'left'
  ctx.textBaseline = 'alphabetic'
  ctx.fillStyle = palette.soft
  ctx.strokeStyle = palette.rule
  ctx.lineWidth = ratio
  let clearTo = bbox.left + bbox.width
  for (const session of rows.sessions.toReversed()) {
    const left = Math.round(plot.valToPos(session.start - 1, 'x', true))
    if (left < bbox.left - 1) break
    ctx.beginPath()
    ctx.moveTo(left, bbox.top)
    ctx.lineTo(left, bbox.top + bbox.height)
    ctx.stroke()
    if (!named || left + DAY_LABEL_PX * ratio > clearTo) continue
    ctx.fillText(formatDay(session.startAt), left + 2 * ratio, bbox.top - 6 * ratio)
    clearTo = left
  }
  ctx.restore()
}

/**
 * @param {uPlot} plot
 * @param {() => void} draw
 */
function keepingContext(plot, draw) {
  plot.ctx.save()
  draw()
  plot.ctx.restore()
}

/**
 * @param {uPlot} plot
 * @param {ChartRows} rows
 */
function hoveredRow(plot, rows) {
  const { idx, left } = plot.cursor
  if (idx === null || idx === undefined || left === undefined || left < 0) return null
  return rows.bars[idx] ? idx : null
}

/**
 * @param {number | null} min
 * @param {number | null} max
 * @param {number} smallest
 * @returns {[number, number]}
 */
function paddedRange(min, max, smallest) {
  if (min === null || max === null) return [0, smallest]
  const span = Math.max(max - min, smallest)
  const middle = (min + max) / 2
  return [middle - span * 0.6, middle + span * 0.6]
}

/** @param {HTMLElement} target */
function sizeOf(target) {
  return { width: Math.max(1, target.clientWidth), height: Math.max(1, target.clientHeight) }
}

function axisFont() {
  return `${FONT_PX}px ${currentPalette().font}`
}

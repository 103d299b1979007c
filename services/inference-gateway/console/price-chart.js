/**
 * Price, and on it what was decided. Nine bars in ten are flat, so the close is a line, and only a
 * bar that moved shows the range it moved in.
 *
 * @import uPlot from '/console/vendor/uplot.js'
 * @import { ChartRows } from './series.js'
 * @import { Mark } from './marks.js'
 * @import { ConsoleState } from './state.js'
 */
import { createBarChart } from './bar-chart.js'
import { byId, setText } from './dom.js'
import { formatDay, formatNumber, formatSigned, formatTime } from './format.js'
import { brokenLine } from './line-path.js'
import { marksOf } from './marks.js'
import { currentPalette } from './theme.js'

const MARK_PX = 5
const MARK_GAP_PX = 7
const REFUSAL_PX = 7
const TAG_CLEARANCE_PX = 17

export function createPriceChart() {
  const target = byId('price-chart')
  const readout = byId('price-readout')
  /** @type {readonly Mark[]} */
  let marks = []
  /** @type {ConsoleState | null} */
  let shown = null
  /** @type {number | null} */
  let hovered = null

  const chart = createBarChart({
    target,
    series: [
      {
        stroke: () => currentPalette().ink,
        width: 1.4,
        paths: brokenLine(false),
        points: { show: false },
      },
    ],
    columns: (rows) => [rows.close],
    formatValue(price, step, plot) {
      if (isUnderTag(plot, price, chart.rows())) return ''
      return formatNumber(price, decimalsOf(step))
    },
    smallestRange: 4,
    hours: true,
    drawOver(plot, rows) {
      drawRanges(plot, rows)
      drawLastPrice(plot, rows)
      for (const mark of marks) drawMark(plot, mark)
    },
    onHover(row) {
      hovered = row
      if (shown) setText(readout, describeRow(shown, chart.rows(), row))
    },
  })

  return {
    redraw: () => chart.plot.redraw(),
    /**
     * @param {ConsoleState} state
     * @param {ChartRows} rows
     * @param {number} sessions
     */
    render(state, rows, sessions) {
      shown = state
      marks = marksOf(rows, state.decisions, state.fills)
      chart.draw(rows, sessions)
      target.dataset['marks'] = String(marks.filter((mark) => mark.kind !== 'refusal').length)
      target.setAttribute('aria-label', describeChart(state, marks))
      setText(readout, describeRow(state, rows, hovered))
    },
  }
}

/**
 * @param {uPlot} plot
 * @param {ChartRows} rows
 */
function drawRanges(plot, rows) {
  const { ctx } = plot
  const [from, to] = visibleRows(plot, rows)
  ctx.strokeStyle = currentPalette().faint
  ctx.lineWidth = devicePixelRatio
  ctx.beginPath()
  for (let row = from; row < to; row += 1) {
    const bar = rows.bars[row]
    if (!bar || bar.high === bar.low) continue
    const x = Math.round(plot.valToPos(row, 'x', true))
    ctx.moveTo(x, plot.valToPos(bar.high, 'y', true))
    ctx.lineTo(x, plot.valToPos(bar.low, 'y', true))
  }
  ctx.stroke()
}

/**
 * The newest price, carried to the axis.
 *
 * @param {uPlot} plot
 * @param {ChartRows} rows
 */
function drawLastPrice(plot, rows) {
  const price = rows.close.at(-1)
  if (price === undefined || price === null) return
  const { ctx, bbox } = plot
  const palette = currentPalette()
  const ratio = devicePixelRatio
  const x = plot.valToPos(rows.x.length - 1, 'x', true)
  const y = plot.valToPos(price, 'y', true)
  const right = bbox.left + bbox.width
  ctx.strokeStyle = palette.faint
  ctx.lineWidth = ratio
  ctx.setLineDash([2 * ratio, 3 * ratio])
  ctx.beginPath()
  ctx.moveTo(x, y)
  ctx.lineTo(right, y)
  ctx.stroke()
  ctx.setLineDash([])
  ctx.fillStyle = palette.ink
  ctx.beginPath()
  ctx.arc(x, y, 2.5 * ratio, 0, 2 * Math.PI)
  ctx.roundRect(right + 2 * ratio, y - 9 * ratio, 62 * ratio, 18 * ratio, 3 * ratio)
  ctx.fill()
  ctx.fillStyle = palette.panel
  ctx.font = `600 ${11 * ratio}px ${palette.font}`
  ctx.textAlign = 'left'
  ctx.textBaseline = 'middle'
  ctx.fillText(formatNumber(price, 2), right + 8 * ratio, y + ratio / 2)
}

/**
 * Whether a label of the axis would run into the tag of the newest price.
 *
 * @param {uPlot} plot
 * @param {number} price
 * @param {ChartRows} rows
 */
function isUnderTag(plot, price, rows) {
  const newest = rows.close.at(-1)
  if (newest === undefined || newest === null) return false
  return Math.abs(plot.valToPos(price, 'y') - plot.valToPos(newest, 'y')) < TAG_CLEARANCE_PX
}

/** @param {number} step between two labels */
function decimalsOf(step) {
  if (step % 1 === 0) return 0
  return step < 0.1 ? 2 : 1
}

/**
 * @param {uPlot} plot
 * @param {Mark} mark
 */
function drawMark(plot, mark) {
  const { ctx, bbox } = plot
  const palette = currentPalette()
  const ratio = devicePixelRatio
  const x = plot.valToPos(mark.row, 'x', true)
  if (x < bbox.left || x > bbox.left + bbox.width) return
  const y = plot.valToPos(mark.price, 'y', true)
  const size = MARK_PX * ratio
  ctx.beginPath()
  switch (mark.kind) {
    case 'refusal': {
      ctx.fillStyle = palette.warn
      ctx.globalAlpha = 0.75
      ctx.rect(
        x - ratio,
        bbox.top + bbox.height - REFUSAL_PX * ratio,
        2 * ratio,
        REFUSAL_PX * ratio,
      )
      ctx.fill()
      ctx.globalAlpha = 1
      return
    }
    case 'fill': {
      ctx.fillStyle = palette.panel
      ctx.strokeStyle = palette.accent
      ctx.lineWidth = 1.5 * ratio
      ctx.arc(x, y, 2.8 * ratio, 0, 2 * Math.PI)
      ctx.fill()
      ctx.stroke()
      return
    }
    case 'LONG': {
      const tip = y + MARK_GAP_PX * ratio
      triangle(ctx, x, tip, size, tip + size * 1.7)
      ctx.fillStyle = palette.long
      break
    }
    case 'SHORT': {
      const tip = y - MARK_GAP_PX * ratio
      triangle(ctx, x, tip, size, tip - size * 1.7)
      ctx.fillStyle = palette.short
      break
    }
    case 'FLAT': {
      const middle = y + (MARK_GAP_PX + MARK_PX) * ratio
      diamond(ctx, x, middle, size * 0.95)
      ctx.fillStyle = palette.soft
      break
    }
  }
  ctx.fill()
  ctx.strokeStyle = palette.panel
  ctx.lineWidth = ratio
  ctx.stroke()
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} x
 * @param {number} tip
 * @param {number} halfWidth
 * @param {number} base
 */
function triangle(ctx, x, tip, halfWidth, base) {
  ctx.moveTo(x, tip)
  ctx.lineTo(x + halfWidth, base)
  ctx.lineTo(x - halfWidth, base)
  ctx.closePath()
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} x
 * @param {number} y
 * @param {number} half
 */
function diamond(ctx, x, y, half) {
  ctx.moveTo(x, y - half)
  ctx.lineTo(x + half, y)
  ctx.lineTo(x, y + half)
  ctx.lineTo(x - half, y)
  ctx.closePath()
}

/**
 * @param {uPlot} plot
 * @param {ChartRows} rows
 * @returns {[number, number]}
 */
function visibleRows(plot, rows) {
  const { min = 0, max = 0 } = plot.scales['x'] ?? {}
  return [Math.max(0, Math.floor(min)), Math.min(rows.x.length, Math.ceil(max))]
}

/**
 * The row under the crosshair in words; the newest one when there is none.
 *
 * @param {ConsoleState} state
 * @param {ChartRows} rows
 * @param {number | null} row
 */
function describeRow(state, rows, row) {
  const bar = rows.bars[row ?? rows.x.length - 1]
  if (!bar) return 'Waiting for the first bar'
  const prices =
    bar.high === bar.low
      ? formatNumber(bar.close, 2)
      : `O ${formatNumber(bar.open, 2)}  H ${formatNumber(bar.high, 2)}  L ${formatNumber(bar.low, 2)}  C ${formatNumber(bar.close, 2)}`
  const decision = state.decisions.findLast(({ barTime }) => barTime === bar.barTime)
  const parts = [`${formatDay(bar.barTime)} ${formatTime(bar.barTime)}`, prices]
  if (decision) parts.push(describeSignal(decision.signal, decision.action))
  return parts.join(' · ')
}

/**
 * @param {string | null} signal
 * @param {number | null} action
 */
function describeSignal(signal, action) {
  if (signal === null) return 'refused'
  const name = signal.charAt(0) + signal.slice(1).toLowerCase()
  return action === null ? name : `${name} ${formatSigned(action, 2)}`
}

/**
 * @param {ConsoleState} state
 * @param {readonly Mark[]} marks
 */
function describeChart(state, marks) {
  const newest = state.bars.at(-1)
  if (!newest) return 'Price chart, no bars yet'
  const fills = marks.filter((mark) => mark.kind === 'fill').length
  const refusals = marks.filter((mark) => mark.kind === 'refusal').length
  return `Price chart of ${state.bars.length} bars, last ${formatNumber(newest.close, 2)}, ${fills} fills, ${refusals} refusals`
}

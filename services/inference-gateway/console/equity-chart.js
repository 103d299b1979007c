/**
 * Equity as a return on the initial cash, and the position held, on the same axis of bars as price.
 *
 * @import uPlot from '/console/vendor/uplot.js'
 * @import { ChartRows } from './series.js'
 */
import { createBarChart } from './bar-chart.js'
import { byId, setText } from './dom.js'
import { formatPercent, formatPosition } from './format.js'
import { brokenLine } from './line-path.js'
import { currentPalette } from './theme.js'

const RIBBON_PX = 5

export function createEquityChart() {
  const target = byId('equity-chart')
  const readout = byId('equity-readout')

  const chart = createBarChart({
    target,
    series: [
      {
        stroke: () => currentPalette().accent,
        fill: () => currentPalette()['accent-wash'],
        width: 1.4,
        paths: brokenLine(true),
        points: { show: false },
      },
    ],
    columns: (rows) => [rows.returns],
    formatValue: formatPercent,
    smallestRange: 0.002,
    hours: false,
    drawOver(plot, rows) {
      drawZero(plot)
      drawPositions(plot, rows)
    },
    onHover(row) {
      setText(readout, row === null ? '' : describeRow(chart.rows(), row))
    },
  })

  return {
    redraw: () => chart.plot.redraw(),
    /**
     * @param {ChartRows} rows
     * @param {number} sessions
     */
    render(rows, sessions) {
      chart.draw(rows, sessions)
      const last = rows.returns.at(-1)
      const words = typeof last === 'number' ? formatPercent(last) : 'not known yet'
      target.setAttribute('aria-label', `Equity chart, return after costs ${words}`)
    },
  }
}

/**
 * Where nothing is won or lost.
 *
 * @param {uPlot} plot
 */
function drawZero(plot) {
  const { ctx, bbox } = plot
  const y = plot.valToPos(0, 'y', true)
  if (y < bbox.top || y > bbox.top + bbox.height) return
  ctx.strokeStyle = currentPalette().faint
  ctx.lineWidth = devicePixelRatio
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio])
  ctx.beginPath()
  ctx.moveTo(bbox.left, y)
  ctx.lineTo(bbox.left + bbox.width, y)
  ctx.stroke()
  ctx.setLineDash([])
}

/**
 * A ribbon along the foot: long, short, or nothing.
 *
 * @param {uPlot} plot
 * @param {ChartRows} rows
 */
function drawPositions(plot, rows) {
  const { ctx, bbox } = plot
  const palette = currentPalette()
  const ratio = devicePixelRatio
  const top = bbox.top + bbox.height - RIBBON_PX * ratio
  const half = Math.abs(plot.valToPos(1, 'x', true) - plot.valToPos(0, 'x', true)) / 2
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  for (const [side, color] of /** @type {const} */ ([
    [1, palette.long],
    [-1, palette.short],
  ])) {
    ctx.fillStyle = color
    rows.positions.forEach((position, row) => {
      if (position === null || Math.sign(position) !== side) return
      const x = plot.valToPos(row, 'x', true)
      ctx.fillRect(x - half, top, half * 2 + 0.5, RIBBON_PX * ratio)
    })
  }
}

/**
 * @param {ChartRows} rows
 * @param {number} row
 */
function describeRow(rows, row) {
  const value = rows.returns[row]
  if (value === null || value === undefined) return ''
  return `${formatPercent(value)} · ${formatPosition(rows.positions[row] ?? 0)}`
}

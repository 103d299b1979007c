/**
 * A line that lifts the pen between sessions. uPlot's own joins both ends and clips the join away,
 * which leaves slivers of it at steep openings.
 *
 * @import uPlot from '/console/vendor/uplot.js'
 */

/**
 * @param {boolean} filled whether the area under the line is closed down to the foot of the plot
 * @returns {uPlot.Series.PathBuilder}
 */
export function brokenLine(filled) {
  return (plot, seriesIndex, from, to) => {
    const values = /** @type {(number | null)[]} */ (plot.data[seriesIndex])
    const stroke = new Path2D()
    const fill = filled ? new Path2D() : null
    const foot = plot.bbox.top + plot.bbox.height
    /** @type {number | null} where the pen stands, null when it is lifted */
    let pen = null
    for (let row = from; row <= to; row += 1) {
      const value = values[row]
      if (value === null || value === undefined) {
        if (pen !== null) fill?.lineTo(pen, foot)
        pen = null
        continue
      }
      const x = plot.valToPos(row, 'x', true)
      const y = plot.valToPos(value, 'y', true)
      if (pen === null) {
        stroke.moveTo(x, y)
        fill?.moveTo(x, foot)
      } else stroke.lineTo(x, y)
      fill?.lineTo(x, y)
      pen = x
    }
    if (pen !== null) fill?.lineTo(pen, foot)
    return { stroke, fill, clip: null }
  }
}

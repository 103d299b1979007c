/**
 * What the price chart marks: the decisions that changed the signal, the fills, the refusals.
 *
 * @import { ConsoleDecision, ConsoleFill } from './wire.d.ts'
 * @import { ChartRows } from './series.js'
 */

/**
 * @typedef {object} Mark
 * @property {'LONG' | 'SHORT' | 'FLAT' | 'fill' | 'refusal'} kind
 * @property {number} row
 * @property {number} price where it points at: a bar's extreme, or the price of the fill
 */

/**
 * @param {ChartRows} rows
 * @param {readonly ConsoleDecision[]} decisions oldest first
 * @param {readonly ConsoleFill[]} fills
 * @returns {Mark[]}
 */
export function marksOf(rows, decisions, fills) {
  /** @type {Mark[]} */
  const marks = []
  for (const { decision, before } of withSignalBefore(decisions)) {
    const row = rows.rowOf.get(decision.barTime)
    const bar = row === undefined ? null : rows.bars[row]
    if (row === undefined || !bar) continue
    if (decision.signal === null) marks.push({ kind: 'refusal', row, price: bar.low })
    else if (decision.signal !== (before ?? 'FLAT')) {
      const price = decision.signal === 'SHORT' ? bar.high : bar.low
      marks.push({ kind: decision.signal, row, price })
    }
  }
  for (const fill of fills) {
    const row = rows.rowOf.get(fill.barTime)
    if (row !== undefined) marks.push({ kind: 'fill', row, price: fill.price })
  }
  return marks
}

/**
 * Each decision with the signal acted on before it. A refusal keeps the position, so it also keeps
 * the signal that the next decision is compared with.
 *
 * @param {readonly ConsoleDecision[]} decisions oldest first
 */
export function withSignalBefore(decisions) {
  /** @type {ConsoleDecision['signal']} */
  let before = null
  return decisions.map((decision) => {
    const paired = { decision, before }
    if (decision.signal !== null) before = decision.signal
    return paired
  })
}

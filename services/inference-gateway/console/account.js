/**
 * What is held and what it is worth, after costs.
 *
 * @import { ConsoleState } from './state.js'
 */
import { byId, setData, setText, trendOf } from './dom.js'
import { formatNumber, formatPercent, formatPosition } from './format.js'
import { performanceOf } from './summary.js'

export function createAccount() {
  const nodes = {
    position: byId('position'),
    pending: byId('pending'),
    fraction: byId('return'),
    equity: byId('equity'),
    drawdown: byId('drawdown'),
    deepest: byId('deepest'),
    costs: byId('costs'),
  }
  /** @type {ConsoleState['last']} */
  let drawn = null

  return {
    /** @param {ConsoleState} state */
    render({ last }) {
      if (!last || last === drawn) return
      drawn = last
      const { account } = last
      const { fraction, drawdown, deepestDrawdown } = performanceOf(account)
      setText(nodes.position, formatPosition(account.position))
      setData(nodes.position, 'signal', formatPosition(account.position).toUpperCase())
      setText(nodes.pending, describePending(account))
      setText(nodes.fraction, formatPercent(fraction))
      setData(nodes.fraction, 'trend', trendOf(fraction))
      setText(nodes.equity, formatNumber(account.equity, 0))
      setText(nodes.drawdown, formatPercent(drawdown))
      setText(nodes.deepest, `deepest ${formatPercent(deepestDrawdown)}`)
      setText(nodes.costs, formatNumber(account.costsPaid, 0))
    },
  }
}

/** @param {import('./wire.d.ts').ConsoleTick['account']} account */
function describePending({ position, pendingTarget }) {
  if (pendingTarget === null || pendingTarget === position) return ''
  return `→ ${formatPosition(pendingTarget).toLowerCase()} at the next open`
}

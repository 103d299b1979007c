/**
 * The newest decisions, each in one line of words.
 *
 * @import { ConsoleDecision } from './wire.d.ts'
 */
import { byId, element } from './dom.js'
import { formatDate, formatDay, formatMs, formatSigned, formatTime } from './format.js'
import { withSignalBefore } from './marks.js'
import { describeDecision } from './reasons.js'

const SHOWN = 30
const GLYPHS = { LONG: '▲', SHORT: '▼', FLAT: '◆', REFUSED: '❘' }

export function createDecisions() {
  const list = byId('decisions')
  /** @type {readonly ConsoleDecision[]} */
  let drawn = []

  return {
    /** @param {readonly ConsoleDecision[]} decisions oldest first */
    render(decisions) {
      if (decisions === drawn) return
      const added = newerThan(drawn.at(-1), decisions)
      drawn = decisions
      const newest = withSignalBefore(decisions).slice(-Math.min(SHOWN, added)).reverse()
      if (added >= SHOWN) list.replaceChildren()
      list.prepend(...newest.flatMap((paired) => buildItems(paired, decisions)))
      while (list.children.length > SHOWN) list.lastElementChild?.remove()
    },
  }
}

/**
 * How many came after the newest that is drawn; all of them when it is not among them.
 *
 * @param {ConsoleDecision | undefined} newest
 * @param {readonly ConsoleDecision[]} decisions
 */
function newerThan(newest, decisions) {
  const known = decisions.findLastIndex(({ id }) => id === newest?.id)
  return known === -1 ? Math.max(SHOWN, decisions.length) : decisions.length - 1 - known
}

/**
 * A decision, and under the first of a day the name of the day before it, to head what follows.
 *
 * @param {{ decision: ConsoleDecision, before: ConsoleDecision['signal'] }} paired
 * @param {readonly ConsoleDecision[]} decisions
 */
function buildItems({ decision, before }, decisions) {
  const item = buildItem(decision, before)
  const earlier = decisions[decisions.indexOf(decision) - 1]
  if (!earlier || formatDay(earlier.decidedAt) === formatDay(decision.decidedAt)) return [item]
  return [item, element('li', 'day', formatDay(earlier.decidedAt))]
}

/**
 * @param {ConsoleDecision} decision
 * @param {ConsoleDecision['signal']} before
 */
function buildItem(decision, before) {
  const { signal, action, decidedAt } = decision
  const kind = signal ?? 'REFUSED'
  const item = element('li')
  item.dataset['signal'] = kind
  item.dataset['changed'] = String(signal !== null && signal !== (before ?? 'FLAT'))
  item.title = `${formatDate(decidedAt)} ${formatTime(decidedAt)} UTC, ${formatMs(decision.latencyMs)}, ledger entry ${decision.seq}, ${decision.id}`
  const time = element('time', undefined, formatTime(decidedAt))
  time.dateTime = new Date(decidedAt).toISOString()
  const glyph = element('span', 'glyph', GLYPHS[kind])
  glyph.setAttribute('aria-hidden', 'true')
  const name = element('span', 'signal', signal ?? 'NO ACTION')
  name.prepend(glyph)
  name.dataset['signal'] = kind
  const why = element('span', 'why', describeDecision(decision, before))
  const output = element('span', 'action', action === null ? '' : formatSigned(action, 2))
  item.append(time, name, why, output)
  return item
}

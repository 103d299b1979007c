/**
 * What the console knows, as a pure function of what it was sent: a snapshot starts it, ticks and
 * statuses step it. A slice that a step does not change keeps its identity, so that a panel can
 * tell by `===` whether it has anything to draw.
 *
 * @import { ConsoleBar, ConsoleDecision, ConsoleEquity, ConsoleFill, ConsoleSnapshot, ConsoleStatus, ConsoleTick } from './wire.d.ts'
 */

/** Ten full sessions: what is held, drawn and asked for, however long the page stays open. */
export const MAX_BARS = 600
const MAX_LATENCIES = 120

/**
 * @typedef {object} ConsoleState
 * @property {ConsoleStatus} status
 * @property {string} symbol
 * @property {ConsoleSnapshot['contract']} contract
 * @property {ConsoleSnapshot['model']} model
 * @property {readonly ConsoleBar[]} bars
 * @property {readonly ConsoleDecision[]} decisions
 * @property {readonly ConsoleFill[]} fills
 * @property {readonly ConsoleEquity[]} equity
 * @property {readonly number[]} latenciesMs total milliseconds of the newest decisions
 * @property {ConsoleTick | null} last
 * @property {number} now the domain clock when something was last received
 */

/**
 * @param {ConsoleSnapshot} snapshot
 * @returns {ConsoleState}
 */
export function fromSnapshot(snapshot) {
  const { status, symbol, contract, model, last } = snapshot
  const bars = snapshot.bars.slice(-MAX_BARS)
  const decisions = snapshot.decisions.slice(-MAX_BARS)
  const since = bars[0]?.barTime ?? 0
  return {
    status,
    symbol,
    contract,
    model,
    bars,
    decisions,
    fills: snapshot.fills.filter((fill) => fill.barTime >= since),
    equity: snapshot.equity.slice(-MAX_BARS),
    latenciesMs: decisions
      .map((decision) => decision.latencyMs)
      .filter((latencyMs) => latencyMs > 0)
      .slice(-MAX_LATENCIES),
    last,
    now: Math.max(status.now, last?.now ?? 0),
  }
}

/**
 * A tick sent twice changes nothing. The lists of a snapshot are read one after the other and the
 * bars by another service, so some may already hold what this tick brings: each is asked by itself.
 *
 * @param {ConsoleState} state
 * @param {ConsoleTick} tick
 * @returns {ConsoleState}
 */
export function applyTick(state, tick) {
  const { bar, decision, equity } = tick
  if (state.last && bar.barTime <= state.last.bar.barTime) return state
  const bars = isNewer(bar, state.bars) ? append(state.bars, bar, MAX_BARS) : state.bars
  const decided = decision && isNewer(decision, state.decisions) ? decision : null
  return {
    ...state,
    bars,
    decisions: decided ? append(state.decisions, decided, MAX_BARS) : state.decisions,
    fills: joinFills(state.fills, tick.fills, bars),
    equity: isNewer(equity, state.equity) ? append(state.equity, equity, MAX_BARS) : state.equity,
    latenciesMs: decided
      ? append(state.latenciesMs, decided.latencyMs, MAX_LATENCIES)
      : state.latenciesMs,
    last: tick,
    now: tick.now,
  }
}

/**
 * @param {ConsoleState} state
 * @param {ConsoleStatus} status
 * @returns {ConsoleState}
 */
export function applyStatus(state, status) {
  return { ...state, status, now: Math.max(state.now, status.now) }
}

/**
 * @param {{ barTime: number }} item
 * @param {readonly { barTime: number }[]} list
 */
function isNewer(item, list) {
  return item.barTime > (list.at(-1)?.barTime ?? -1)
}

/**
 * @param {readonly ConsoleFill[]} held
 * @param {readonly ConsoleFill[]} arrived
 * @param {readonly ConsoleBar[]} bars
 */
function joinFills(held, arrived, bars) {
  const added = arrived.filter((fill) => isNewer(fill, held))
  if (added.length === 0) return held
  const since = bars[0]?.barTime ?? 0
  return [...held.filter((fill) => fill.barTime >= since), ...added]
}

/**
 * @template T
 * @param {readonly T[]} list
 * @param {T} item
 * @param {number} limit
 * @returns {readonly T[]}
 */
function append(list, item, limit) {
  return [...list.slice(Math.max(0, list.length - limit + 1)), item]
}

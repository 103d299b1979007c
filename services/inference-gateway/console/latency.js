/**
 * How long decisions take, and where the last one spent its time.
 *
 * @import { ConsoleTick } from './wire.d.ts'
 * @import { ConsoleState } from './state.js'
 */
import { byId, element, setText } from './dom.js'
import { formatMs } from './format.js'

const STAGES = /** @type {const} */ (['features', 'model', 'ledger', 'other'])

export function createLatency() {
  const nodes = { p50: byId('latency-p50'), p99: byId('latency-p99'), last: byId('latency-last') }
  const line = /** @type {SVGPolylineElement} */ (byId('latency-spark').querySelector('polyline'))
  const parts = STAGES.map((stage) => buildStage(stage))
  /** @type {ConsoleState['last']} */
  let drawn = null

  return {
    /** @param {ConsoleState} state */
    render({ last, latenciesMs }) {
      if (!last || last === drawn) return
      drawn = last
      const { p50Ms, p99Ms, stages } = last.latency
      // A decision read back from the ledger does not say where its time went.
      if (stages.total === 0) return
      setText(nodes.p50, formatMs(p50Ms))
      setText(nodes.p99, formatMs(p99Ms))
      setText(nodes.last, formatMs(stages.total))
      for (const { stage, segment, value } of parts) {
        const spentMs = spentOn(stages, stage)
        segment.style.flexGrow = String(spentMs)
        setText(value, formatMs(spentMs))
      }
      drawSpark(line, latenciesMs)
    },
  }
}

/** @param {(typeof STAGES)[number]} stage */
function buildStage(stage) {
  const segment = element('span', 'stage')
  segment.dataset['stage'] = stage
  byId('latency-stages').append(segment)
  const pair = element('div')
  const value = element('dd')
  const name = element('dt', undefined, stage)
  name.dataset['stage'] = stage
  pair.append(name, value)
  byId('latency-key').append(pair)
  return { stage, segment, value }
}

/**
 * @param {ConsoleTick['latency']['stages']} stages
 * @param {(typeof STAGES)[number]} stage
 */
function spentOn(stages, stage) {
  if (stage !== 'other') return stages[stage]
  return Math.max(0, stages.total - stages.features - stages.model - stages.ledger)
}

/**
 * From zero, so that a spike looks as tall as it is.
 *
 * @param {SVGPolylineElement} line
 * @param {readonly number[]} latenciesMs
 */
function drawSpark(line, latenciesMs) {
  const top = Math.max(...latenciesMs, 0.001) * 1.08
  const width = Math.max(1, latenciesMs.length - 1)
  const points = latenciesMs.map((ms, index) => `${index},${(100 - (ms / top) * 100).toFixed(1)}`)
  line.ownerSVGElement?.setAttribute('viewBox', `0 0 ${width} 100`)
  line.setAttribute('points', points.join(' '))
}

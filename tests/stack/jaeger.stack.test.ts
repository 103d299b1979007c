import { describe, expect, test } from 'vitest'
import { eventually } from './support/eventually.ts'
import { as, ask, askJson } from './support/http.ts'
import { SYMBOL } from './support/market.ts'
import { newLabel, OWN_SYMBOL, ownBar, sendBars } from './support/own-bars.ts'
import {
  type Caller,
  newCaller,
  newestTraces,
  pathTo,
  type Span,
  spansOf,
} from './support/traces.ts'

/** The collector waits ten seconds for the rest of a trace before it decides whether to keep it. */
const PATIENCE_MS = 60_000
const GATEWAY = 'inference-gateway'
const FEATURES = 'POST /get-online-features'
/** From the feature server up to what a closed bar sets going. */
const OF_A_BAR = [
  ['feature-server', FEATURES],
  [GATEWAY, FEATURES],
  [GATEWAY, 'process bar_closed'],
]

describe('Jaeger', { timeout: 5 * PATIENCE_MS }, () => {
  test('knows our services', async ({ signal }) => {
    const services = await eventually(
      'spans of all our services',
      async (until) => {
        const { data } = await askJson<{ data: string[] }>('jaeger', '/api/services', {}, until)
        const missing = [GATEWAY, 'feature-server', 'materializer'].filter(
          (one) => !data.includes(one),
        )
        if (missing.length > 0) throw new Error(`no ${missing.join(', ')} in ${data.join(', ')}`)
        return data
      },
      { signal, withinMs: PATIENCE_MS },
    )
    expect(services).not.toContain('unknown_service:node')
  })

  test('a question is a child of its caller’s span and says how it was answered', async ({
    signal,
  }) => {
    const caller = newCaller()
    const answer = await question(SYMBOL, caller, signal)
    const span = await eventually(
      `the gateway's span in trace ${caller.traceId}`,
      async (until) => named(await spansOf(caller.traceId, until), GATEWAY, 'POST /v1/decisions'),
      { signal, withinMs: PATIENCE_MS },
    )
    expect(span.parentId).toBe(caller.spanId)
    expect(span.tags).toMatchObject({
      'usdcop.symbol': SYMBOL,
      'usdcop.decision.trigger': answer.trigger,
      'usdcop.decision.outcome': answer.signal ?? 'no_action',
      'http.route': '/v1/decisions',
      'span.kind': 'server',
    })
  })

  test('a question that brings its decision about is one trace, through to the feature server', async ({
    signal,
  }) => {
    const { caller, spans } = await eventually(
      'a question that is asked before the bar is decided without it',
      (until) => askedInTime(until),
      { signal, withinMs: 4 * PATIENCE_MS },
    )
    const path = pathTo(named(spans, 'feature-server', FEATURES), spans)
    expect(path.map(({ service, name }) => [service, name])).toEqual([
      ...OF_A_BAR,
      [GATEWAY, 'POST /v1/decisions'],
    ])
    expect(path.at(-1)?.parentId).toBe(caller.spanId)
    expect(path.map(({ tags }) => tags['span.kind'])).toEqual([
      'server',
      'client',
      'consumer',
      'server',
    ])
  })

  test('a bar that nobody asks about is a trace of its own, through to the feature server', async ({
    signal,
  }) => {
    const path = await eventually(
      'a trace that a closed bar began',
      async (until) => {
        const traces = await newestTraces('feature-server', until)
        const paths = traces.flatMap((spans) =>
          spans.filter(isFeatureRead).map((span) => pathTo(span, spans)),
        )
        const found = paths.find((one) => one.at(-1)?.name === 'process bar_closed')
        if (found === undefined) throw new Error(`${paths.length} traces, all begun otherwise`)
        return found
      },
      { signal, withinMs: PATIENCE_MS },
    )
    expect(path.map(({ service, name }) => [service, name])).toEqual(OF_A_BAR)
    expect(path.at(-1)?.parentId).toBeUndefined()
  })

  test('shows no key, no health check and no feature value', async ({ signal }) => {
    const spans = (await newestTraces(GATEWAY, signal)).flat()
    expect(spans.length).toBeGreaterThan(0)
    const told = JSON.stringify(spans)
    for (const header of Object.values({ ...as.reader(), ...as.writer() }))
      expect(told).not.toContain(header.replace('Bearer ', ''))
    expect(spans.filter(({ name }) => /\/(livez|readyz|health|metrics)$/.test(name))).toEqual([])
    expect(told).not.toContain('log_ret_5m')
  })
})

async function question(symbol: string, { traceparent }: Caller, signal: AbortSignal) {
  const headers = { ...as.writer(), traceparent }
  return await askJson<{ signal: string | null; trigger: string }>(
    'inference-gateway',
    '/v1/decisions',
    { body: { symbol }, headers },
    signal,
  )
}

function isFeatureRead({ service, name }: Span): boolean {
  return service === 'feature-server' && name === FEATURES
}

/** Throws where there is no such span (yet). */
function named(spans: readonly Span[], service: string, name: string): Span {
  const found = spans.find((span) => span.service === service && span.name === name)
  if (found !== undefined) return found
  const seen = spans.map((span) => `${span.service} ${span.name}`)
  throw new Error(`no span ${service} ${name}; there are ${seen.join(', ')}`)
}

/**
 * Sends a bar of ours and asks, again and again and for several symbols at once, until that bar is decided
 * on: so that some question of this trace waits whenever the gateway looks for new bars. It may look
 * between two questions all the same; then the trace has no feature server in it, this throws, and the
 * next bar is another chance.
 */
async function askedInTime(signal: AbortSignal) {
  const label = await newLabel(signal)
  const caller = newCaller()
  const headers = { ...as.writer(), traceparent: caller.traceparent }
  const decided = new AbortController()
  const askOn = async (symbol: string): Promise<void> => {
    while (!decided.signal.aborted) {
      const question = { body: { symbol }, headers }
      const { status, text } = await ask('inference-gateway', '/v1/decisions', question, signal)
      if (status < 300 && (JSON.parse(text) as { barTime: number }).barTime === label)
        decided.abort()
    }
  }
  // Of symbols that nobody knows the gateway says so, once it has looked for new bars.
  const asking = [OWN_SYMBOL, 'NOBODY/1', 'NOBODY/2', 'NOBODY/3'].map(askOn)
  try {
    await Promise.all([sendBars([ownBar(label)], signal), ...asking])
  } finally {
    decided.abort()
  }
  const spans = await eventually(
    'the feature server in the trace',
    async (until) => {
      const seen = await spansOf(caller.traceId, until)
      named(seen, 'feature-server', FEATURES)
      return seen
    },
    { signal, withinMs: PATIENCE_MS / 2 },
  )
  return { caller, spans }
}

import { describe, expect, test } from 'vitest'
import { eventually } from './support/eventually.ts'
import { readText } from './support/given.ts'
import { as, ask, askJson, bearer } from './support/http.ts'
import {
  decisionSince,
  iso,
  materializerStatus,
  newestDecisions,
  SYMBOL,
  servedFeatures,
  type WholeDecision,
  wholeDecision,
} from './support/market.ts'
import { newLabel, OWN_SYMBOL, ownBar, ownDecision, sendBars } from './support/own-bars.ts'

/** A demo bar closes every fifteen seconds, and the night between two sessions takes more than a minute. */
const A_BAR_MS = 150_000
const BAR_MS = 300_000
const FEATURES = (
  JSON.parse(readText('config/contracts/observation-15d.v1.json')) as {
    definition: { features: { name: string }[] }
  }
).definition.features.map(({ name }) => name)

describe('Bars to decisions', { timeout: 2 * A_BAR_MS }, () => {
  test('a bar that closes now becomes fifteen features, a decision and a ledger row', async ({
    signal,
  }) => {
    const startedAt = Date.now()
    const decision = await eventually(
      `a decision on a bar that closed after ${iso(startedAt)}`,
      (until) => decisionSince(startedAt, until),
      { signal, withinMs: A_BAR_MS },
    )
    const whole = await wholeDecision(decision.id, signal)
    expect(whole).toMatchObject({
      id: `decision-${whole.seq}`,
      symbol: SYMBOL,
      trigger: 'bar',
      availableAt: whole.barTime + BAR_MS,
      prevHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      contractHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      model: { name: expect.any(String), version: expect.any(String) },
    })
    expect(whole.features.map(({ name, status }) => ({ name, status }))).toEqual(
      FEATURES.map((name) => ({ name, status: 'PRESENT' })),
    )
    expectAnswered(whole)
    const { definitionHash } = await materializerStatus(signal)
    expect(whole.definitionHash).toBe(definitionHash)
  })

  test('the feature server serves all fifteen of the newest bar', async ({ signal }) => {
    const startedAt = Date.now()
    const { availableAt } = await eventually(
      'a newer decision',
      (until) => decisionSince(startedAt, until),
      { signal, withinMs: A_BAR_MS },
    )
    const features = await servedFeatures(SYMBOL, signal)
    expect(features.map(({ name, status }) => ({ name, status }))).toEqual(
      FEATURES.map((name) => ({ name, status: 'PRESENT' })),
    )
    expect(features.filter(({ value }) => typeof value !== 'number')).toEqual([])
    const technical = features.find(({ name }) => name === 'log_ret_5m')
    expect(Date.parse(technical?.eventTimestamp ?? '')).toBeGreaterThanOrEqual(availableAt)
  })

  test('a question is answered with an action or with reasons', async ({ signal }) => {
    const answer = await askJson<WholeDecision>(
      'inference-gateway',
      '/v1/decisions',
      { body: { symbol: SYMBOL }, headers: as.writer() },
      signal,
    )
    expectAnswered(answer)
    expect(await wholeDecision(answer.id, signal)).toEqual(answer)
  })

  test('every bar of a batch gets its own answer, and a second time changes nothing', async ({
    signal,
  }) => {
    const label = await eventually('a bar label that is new to us', newLabel, {
      signal,
      withinMs: A_BAR_MS,
    })
    const future = label + 50 * 365 * 86_400_000
    const bars = [
      ownBar(label),
      ownBar(label),
      { ...ownBar(label), low: 4_100 },
      { ...ownBar(label), close: 'four' },
      ownBar(label + 60_000),
      ownBar(future - (future % BAR_MS)),
    ]
    const reasons = ['duplicate', 'ohlc', 'unparsable']
    const first = await sendBars(bars, signal)
    expect(first.rows.slice(0, 4)).toEqual([
      { status: 'accepted' },
      ...reasons.map((reason) => ({ status: 'rejected', reason })),
    ])
    expect(first.rows[5]).toEqual({ status: 'rejected', reason: 'not_closed' })
    expect(first).toMatchObject({ accepted: 1, rejected: 5 })

    const decision = await eventually(
      `a decision on ${OWN_SYMBOL} at ${iso(label)}`,
      (until) => ownDecision(label, until),
      { signal, withinMs: A_BAR_MS },
    )
    // One bar is far from the history that the indicators need: the platform must not guess.
    expect(decision).toMatchObject({ outcome: 'no_action', trigger: 'bar', signal: null })
    expect(decision.reasons).toContain('warmup')

    const second = await sendBars([ownBar(label)], signal)
    expect(second).toEqual({
      accepted: 0,
      rejected: 1,
      rows: [{ status: 'rejected', reason: 'duplicate' }],
    })
    const decisions = await newestDecisions(OWN_SYMBOL, 20, signal)
    expect(
      decisions.filter(({ barTime, trigger }) => barTime === label && trigger === 'bar'),
    ).toEqual([decision])
  })

  test.for([
    { service: 'feast-server', path: '/get-online-features', body: {} },
    { service: 'feast-server', path: '/push', body: {} },
    { service: 'materializer', path: '/v1/bars', body: { bars: [] } },
    { service: 'materializer', path: '/v1/macro', body: { values: [] } },
    { service: 'materializer', path: '/v1/status', body: undefined },
    { service: 'inference-gateway', path: '/v1/decisions', body: { symbol: SYMBOL } },
    { service: 'inference-gateway', path: '/v1/decisions', body: undefined },
    { service: 'inference-gateway', path: '/', body: undefined },
    { service: 'inference-gateway', path: '/metrics', body: undefined },
  ] as const)(
    '$service $path is closed to who has no key',
    async ({ service, path, body }, { signal }) => {
      const nobody = await ask(service, path, { body }, signal)
      const stranger = await ask(service, path, { body, headers: bearer('not-a-key') }, signal)
      expect([nobody.status, stranger.status]).toEqual([401, 401])
    },
  )

  test.for([
    { service: 'feast-server', path: '/push', body: {} },
    { service: 'materializer', path: '/v1/bars', body: { bars: [] } },
    { service: 'materializer', path: '/v1/macro', body: { values: [] } },
    { service: 'inference-gateway', path: '/v1/decisions', body: { symbol: SYMBOL } },
  ] as const)(
    '$service $path is closed to a reader who would write',
    async ({ service, path, body }, { signal }) => {
      const { status } = await ask(service, path, { body, headers: as.reader() }, signal)
      expect(status).toBe(403)
    },
  )
})

/** An action says what to do, a refusal why not; never both and never neither. */
function expectAnswered(answer: WholeDecision): void {
  const { outcome, signal, action, reasons } = answer
  const refusal = { outcome, signal: null, action: null, reasons }
  const act = {
    outcome: 'action',
    signal: expect.stringMatching(/^(LONG|SHORT|FLAT)$/),
    action: expect.any(Number),
    reasons: [],
  }
  expect({ outcome, signal, action, reasons }).toEqual(outcome === 'no_action' ? refusal : act)
  expect(reasons.length > 0).toBe(outcome === 'no_action')
}

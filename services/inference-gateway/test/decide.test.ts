import { verifyChain } from '@usdcop/decision/chain'
import { onBar, openAccount, place } from '@usdcop/decision/execution'
import type { FeatureStatus, ServedFeature, ServedFeatures } from '@usdcop/decision/gates'
import { mapAction } from '@usdcop/decision/mapping'
import { buildObservation, rawMarket } from '@usdcop/observation/observation'
import { createLogger } from '@usdcop/service/log'
import { describe, expect, test } from 'vitest'
import type { Deps } from '../src/app.ts'
import { decideBar } from '../src/decide.ts'
import type { BarClosed } from '../src/event.ts'
import { openFeatureServer } from '../src/features/client.ts'
import { createHttpSource } from '../src/features/http-source.ts'
import { loadPolicy, type ModelContract } from '../src/model/load.ts'
import type { Policy } from '../src/model/run.ts'
import type { DecisionContent } from '../src/record.ts'
import { startFeatureServer } from './support/feature-server.ts'
import { startGateway } from './support/gateway.ts'
import { barClosed, calendar, contract, rules, servedAt } from './support/market.ts'
import { emptyMemory, type Memory, memoryLedger } from './support/memory.ts'
import { manifestFor, policyBytes } from './support/policy.ts'

const silent = createLogger({ name: 'test', level: 'silent' })
const signal = AbortSignal.timeout(60_000)
const model: ModelContract = rules.model
const policy = await loadPolicy(manifestFor(contract.contractHash), policyBytes, model, signal)

const decisionsIn = (memory: Memory) =>
  memory.entries
    .filter(({ kind }) => kind === 'decision')
    .map(({ body }) => (JSON.parse(body) as { content: DecisionContent }).content)

describe('a session of closed bars', () => {
  test('is decided bar by bar exactly as contract, model and execution rules say', async () => {
    await using rig = await startGateway()
    let account = openAccount(rules.execution)
    const expected: object[] = []
    for (let i = 0; i < 130; i += 1) {
      const event = barClosed(i)
      await rig.close(event)
      const step = onBar(account, event, rules.execution)
      const market = rawMarket(
        servedAt(event)
          .features.slice(0, 13)
          .map(({ value }) => value),
      )
      const { position } = step.account
      const seen = buildObservation(contract, market, position, event.timeNormalized)
      const { target, ...mapped } = mapAction(await policy.infer(seen, signal), rules.mapping)
      account = place(step.account, target, event, i % 60 === 59).account
      expected.push({ ...mapped, target, normalised: [...seen], equity: step.mark.equity })
    }
    const made = decisionsIn(rig.memory).map(({ action, signal: told, target, features }, i) => ({
      action,
      signal: told,
      target,
      normalised: features.map(({ normalised }) => normalised),
      equity: rig.memory.equity[i]?.equity,
    }))
    expect(made).toEqual(expected)
    expect(rig.memory.accounts.get('USD/COP')).toEqual({ account, version: 130 })
    expect(new Set(made.map((one) => one.signal))).toEqual(new Set(['LONG', 'SHORT', 'FLAT']))
    expect(verifyChain(rig.memory.entries)).toMatchObject({ ok: true })
  })

  test("pushes each bar's state after its decision, position and time as they were decided on", async () => {
    await using rig = await startGateway()
    for (let i = 0; i < 20; i += 1) await rig.close(barClosed(i))
    expect(rig.pushed).toEqual(
      rig.memory.equity.map(({ position }, i) => ({
        symbol: 'USD/COP',
        position,
        timeNormalized: barClosed(i).timeNormalized,
        eventTimestamp: barClosed(i).availableAt,
      })),
    )
  })

  test('writes the same ledger however often it is run', async () => {
    const run = async () => {
      await using rig = await startGateway()
      for (let i = 50; i < 70; i += 1) await rig.close(barClosed(i))
      return rig.memory.entries
    }
    expect(await run()).toEqual(await run())
  })

  test('refuses an event of history, and passes over what is not for it', async () => {
    await using rig = await startGateway()
    rig.memory.events.push({ id: 1, topic: 'history_loaded', payload: { symbol: 'USD/COP' } })
    await rig.consumer.drained(1, signal)
    expect(rig.memory).toMatchObject({ cursor: 1, entries: [] })
  })
})

const reasonsOf = async (
  change: Partial<Deps>,
  event: BarClosed = barClosed(3),
  memory = emptyMemory(),
) => {
  await using rig = await startGateway(change, memory)
  await rig.close(event)
  return decisionsIn(memory).at(-1)?.reasons
}

describe('a bar that may not be acted on', () => {
  const answering = (infer: Policy['infer']): Partial<Deps> => ({ policy: { ...policy, infer } })

  test.for<{ name: string; change: Partial<Deps>; event?: BarClosed; reasons: string[] }>([
    { name: 'no model', change: { policy: undefined }, reasons: ['model_unavailable'] },
    {
      name: 'a model that fails',
      change: answering(() => Promise.reject(new Error('disposed'))),
      reasons: ['model_unavailable'],
    },
    {
      name: 'a model that answers NaN',
      change: answering(async () => Number.NaN),
      reasons: ['action_not_finite'],
    },
    {
      name: 'a model of another contract',
      change: {
        policy: { ...policy, describe: () => ({ ...policy.describe(), contractHash: 'x' }) },
      },
      reasons: ['contract_mismatch'],
    },
    {
      name: 'a flag',
      change: {},
      event: barClosed(3, { flags: ['warmup', 'gap'] }),
      reasons: ['warmup', 'gap'],
    },
    {
      name: 'macro values of unknown age',
      change: {},
      event: barClosed(3, { macroAgeMs: Number.NaN }),
      reasons: ['stale_macro'],
    },
    {
      name: 'another definition',
      change: {},
      event: barClosed(3, { definitionHash: 'other' }),
      reasons: ['definition_mismatch'],
    },
    {
      name: 'a clock that has gone on',
      change: { clock: { now: () => barClosed(3).availableAt + 600_001 } },
      reasons: ['bar_stale'],
    },
    {
      name: 'a clock that is behind',
      change: { clock: { now: () => barClosed(3).barTime } },
      reasons: ['clock_behind'],
    },
    {
      name: 'a label outside the session',
      change: {},
      event: barClosed(60 * 5),
      reasons: ['out_of_session'],
    },
    {
      name: 'a time outside its range',
      change: {},
      event: barClosed(3, { timeNormalized: 1.5 }),
      reasons: ['observation_not_finite'],
    },
  ])('is refused for $name', async ({ change, event, reasons }) => {
    expect(await reasonsOf(change, event)).toEqual(reasons)
  })

  test.for([
    { name: 'is down', scripted: { instead: 'cut' } },
    { name: 'is slow', scripted: { instead: 'silence' } },
    { name: 'talks garbage', scripted: { body: '{"results": [NaN]}' } },
    { name: 'fails', scripted: { status: 500 } },
  ] as const)('is refused when the feature server $name', async ({ scripted }) => {
    await using server = await startFeatureServer(() => scripted)
    const at = { url: server.url, key: '', deadlineMs: 150 }
    await using client = openFeatureServer(at, rules.features)
    const features = createHttpSource(client, rules.features)
    expect(await reasonsOf({ features })).toEqual(['features_unavailable'])
  })

  test('is refused for a value that is not a number, by that name', async () => {
    const event = barClosed(3)
    const { features, definitionHash } = servedAt(event)
    const column = ({ value, eventTimestamp }: ServedFeature, i: number) => ({
      values: [i === 4 ? 'NaN' : value],
      statuses: ['PRESENT'],
      event_timestamps: [new Date(eventTimestamp!).toISOString()],
    })
    await using server = await startFeatureServer(() => ({
      headers: { 'usdcop-definition-hash': definitionHash! },
      body: JSON.stringify({
        metadata: { feature_names: features.map(({ name }) => name) },
        results: features.map(column),
      }),
    }))
    const at = { url: server.url, key: '', deadlineMs: 5_000 }
    await using client = openFeatureServer(at, rules.features)
    const source = createHttpSource(client, rules.features)
    expect(await reasonsOf({ features: source }, event)).toEqual(['observation_not_finite'])
  })

  test('keeps its position and loses its pending order', async () => {
    const memory = emptyMemory()
    await using rig = await startGateway({}, memory)
    let i = 0
    while (memory.accounts.get('USD/COP')?.account.pending == null) await rig.close(barClosed(i++))
    const { position } = memory.accounts.get('USD/COP')!.account
    const ordered = memory.accounts.get('USD/COP')!.account.pending!.target
    await rig.close(barClosed(i++, { flags: ['gap'] }))
    expect(memory.accounts.get('USD/COP')!.account).toMatchObject({
      position: ordered,
      pending: null,
    })
    expect(ordered).not.toBe(position)
    const filled = memory.entries.length
    await rig.close(barClosed(i, { flags: ['gap'] }))
    expect(memory.entries.slice(filled).map(({ kind }) => kind)).toEqual(['decision'])
  })

  test('still marks the equity, and is still recorded with what was seen', async () => {
    const memory = emptyMemory()
    await reasonsOf({}, barClosed(3, { flags: ['gap'] }), memory)
    expect(memory.equity).toHaveLength(1)
    const [{ features, ...content } = { features: [] }] = decisionsIn(memory)
    expect(content).toMatchObject({
      outcome: 'no_action',
      action: null,
      reasons: ['gap'],
      model: policy.describe(),
    })
    const market = features.slice(0, 13).map(({ normalised: _normalised, ...raw }) => raw)
    expect(market).toEqual(servedAt(barClosed(3)).features.slice(0, 13))
  })
})

describe('a corpus of a thousand damaged answers', () => {
  test('yields no action', async () => {
    const memory = emptyMemory()
    let served: ServedFeatures | undefined
    const ledger = memoryLedger(memory)
    const outcomes = new Map<string, number>()
    for (let i = 0; i < 1_000; i += 1) {
      const event = barClosed(i % 60)
      memory.accounts.clear()
      served = damage(servedAt(event), i)
      const decided = await decideBar(
        {
          contract,
          calendar,
          rules,
          policy,
          ledger,
          clock: { now: () => event.availableAt },
          features: { read: async () => served! },
          state: { push: async () => {} },
          logger: silent,
        },
        event,
        i,
        signal,
      )
      const outcome = decided?.verdict.outcome ?? 'none'
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
    expect([...outcomes]).toEqual([['no_action', 1_000]])
    expect(verifyChain(memory.entries)).toMatchObject({ ok: true })
  })
})

/** The i-th way to break a sound answer: which feature, and how, both walk through all there are. */
function damage(sound: ServedFeatures, i: number): ServedFeatures {
  const at = i % 13
  const one = sound.features[at]!
  const put = (change: Partial<ServedFeature>): ServedFeatures => ({
    ...sound,
    features: sound.features.with(at, { ...one, ...change }),
  })
  const away = 1 + ((i * 7_919) % 86_400_000)
  const status = (name: FeatureStatus) => put({ status: name })
  const ways: readonly (() => ServedFeatures)[] = [
    () => put({ value: Number.NaN }),
    () => put({ value: Infinity }),
    () => put({ value: -Infinity }),
    () => put({ value: null }),
    () => status('NULL_VALUE'),
    () => status('NOT_FOUND'),
    () => status('OUTSIDE_MAX_AGE'),
    () => put({ eventTimestamp: one.eventTimestamp! - away }),
    () => put({ eventTimestamp: one.eventTimestamp! + away }),
    () => put({ eventTimestamp: null }),
    () => put({ name: sound.features[(at + 1) % 13]!.name }),
    () => put({ view: 'other_features' }),
    () => ({ ...sound, features: sound.features.toSpliced(at, 1) }),
    () => ({ ...sound, features: sound.features.slice(0, at) }),
    () => ({ ...sound, features: sound.features.toSpliced(at, 0, one) }),
    () => ({ ...sound, definitionHash: null }),
    () => ({ ...sound, definitionHash: `${sound.definitionHash}0` }),
    () => ({
      ...sound,
      features: sound.features.with(at, sound.features[(at + 1) % 13]!).with((at + 1) % 13, one),
    }),
  ]
  return ways[Math.floor(i / 13) % ways.length]!()
}

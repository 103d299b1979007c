import { readFile } from 'node:fs/promises'
import { startAllInOne } from '@usdcop/tests/support/all-in-one'
import { expect, test } from 'vitest'
import { contract } from './contract.ts'
import { post, shortReplay, stop } from './platform.ts'

const ASK = { feature_service: 'observation_15d', entities: { symbol: ['USD/COP'] } }
const SYMBOL = { symbol: 'USD/COP' }

interface FeatureReply {
  readonly metadata: { readonly feature_names: readonly string[] }
  readonly results: readonly { readonly statuses: readonly string[] }[]
}

interface Decision {
  readonly id: string
  readonly seq: number
  readonly outcome: string
  readonly signal: string | null
  readonly reasons: readonly string[]
}

interface DecisionList {
  readonly decisions: readonly Decision[]
}

async function decisionsOf(gateway: string): Promise<readonly Decision[]> {
  const reply = await fetch(`${gateway}/v1/decisions?symbol=USD/COP&limit=500`)
  return ((await reply.json()) as DecisionList).decisions
}

test('serves 15 features and decisions after a replay, and goes on where it was stopped', async ({
  signal,
}) => {
  await using replay = await shortReplay(signal)
  const { dataDirectory, env } = replay
  await using first = startAllInOne(dataDirectory, env)
  const { featureServer, console: gateway, writerKeyFile, backfilled } = await first.ready
  expect(backfilled?.bars).toBeGreaterThan(1_000)
  const summary = await first.finished
  expect(summary).toMatchObject({ from: '2025-06-27', to: '2025-06-27', bars: 60, refused: 0 })

  const features = await post(`${featureServer}/get-online-features`, ASK)
  const { metadata, results } = features.body as FeatureReply
  expect(features.status).toBe(200)
  expect(metadata.feature_names).toEqual(['symbol', ...contract.names])
  expect(results.map(({ statuses }) => statuses)).toEqual(Array(16).fill(['PRESENT']))

  const key = (await readFile(writerKeyFile, 'utf8')).trim()
  expect((await post(`${gateway}/v1/decisions`, SYMBOL)).status).toBe(401)
  expect((await post(`${gateway}/v1/decisions`, SYMBOL, 'another')).status).toBe(401)
  const [newest] = await decisionsOf(gateway)
  expect(await post(`${gateway}/v1/decisions`, SYMBOL, key)).toMatchObject({
    status: 200,
    body: { id: newest?.id, outcome: newest?.outcome, signal: newest?.signal, reasons: [] },
  })
  const decisions = await decisionsOf(gateway)
  expect(decisions).toHaveLength(60)
  expect(await stop(first)).toBe(0)

  await using second = startAllInOne(dataDirectory, env)
  expect(await second.ready).toMatchObject({ backfilled: null, replay: null })
  expect(await second.finished).toEqual(summary)
  expect(await decisionsOf((await second.ready).console)).toEqual(decisions)
  expect(await stop(second)).toBe(0)

  await using fresh = startAllInOne(dataDirectory, { ...env, DATA_FRESH: 'true' })
  expect((await fresh.ready).backfilled?.bars).toBe(backfilled?.bars)
  expect((await readFile((await fresh.ready).writerKeyFile, 'utf8')).trim()).toBe(key)
  expect(await fresh.finished).toEqual(summary)
})

test('refuses every decision, and says so, where there is no model', async ({ signal }) => {
  await using replay = await shortReplay(signal)
  const model = { MODEL_DIR: `${replay.folder}/no-model` }
  await using platform = startAllInOne(replay.dataDirectory, { ...replay.env, ...model })
  const { console: gateway, model: loaded } = await platform.ready
  expect(loaded).toBeNull()
  expect(await platform.finished).toMatchObject({
    signals: { LONG: 0, SHORT: 0, FLAT: 0 },
    refused: 60,
    reasons: { model_unavailable: 60 },
    fills: 0,
  })
  expect((await fetch(gateway)).headers.get('content-type')).toContain('text/html')
  const snapshot = await (await fetch(`${gateway}/console/snapshot`)).json()
  expect(snapshot).toMatchObject({ model: null, status: { state: 'finished' } })
})

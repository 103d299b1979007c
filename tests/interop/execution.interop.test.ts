import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cancel, type Fill, onBar, openAccount, place } from '@usdcop/decision/execution'
import { mapAction } from '@usdcop/decision/mapping'
import { loadPolicyFrom } from '@usdcop/inference-gateway/model/load'
import { type DecisionRules, rulesOf } from '@usdcop/inference-gateway/rules'
import { parseContract } from '@usdcop/observation/contract'
import { buildObservation } from '@usdcop/observation/observation'
import { parseBar, parseMacroRecord } from '@usdcop/observation/parse'
import { Reducer } from '@usdcop/observation/reducer'
import type { FeatureRow } from '@usdcop/observation/rows'
import { readCsv } from '@usdcop/offline-store/csv'
import { runPython } from '@usdcop/tests/support/python'
import { describe, expect, onTestFinished, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const bars = join(root, 'data/usdcop-m5.csv.gz')
const macro = join(root, 'data/macro-daily.csv')
const policyFolder = join(root, 'models/usdcop-ppo')

describe('paper execution', () => {
  test('fills, expires and refuses as the account the policy trained on', async ({ signal }) => {
    const folder = await temporaryFolder()
    const features = join(folder, 'features.csv')
    const out = join(folder, 'replay.json')
    const holidays = join(root, 'data/holidays.csv')
    await runPython(
      'tests/interop/recompute.py',
      ['--bars', bars, '--macro', macro, '--holidays', holidays, '--out', features],
      signal,
    )
    const input = ['--bars', bars, '--features', features, '--out', out]
    await runPython('tests/interop/execution.py', input, signal)
    const theirs = JSON.parse(await readFile(out, 'utf8'))

    const contract = await readContract()
    let asked = 0
    const ours = await replay(await marketOf('2020', signal), rulesOf(contract), async () => {
      asked += 1
      return ((Math.floor(asked / 3) * 7919) % 211) / 105 - 1
    })
    expect(ours.refusals).toBeGreaterThan(1000)
    expect(ours.expiries).toBeGreaterThan(50)
    expect(ours.fills.map(brief)).toEqual(theirs.fills)
    expect(ours.equity).toEqual(theirs.equity)
    expect(ours.cash).toBe(theirs.cash)
  })

  test('of the demo policy ends 2025 where its evaluation says', async ({ signal }) => {
    const contract = await readContract()
    const rules = rulesOf(contract)
    const policy = await loadPolicyFrom(policyFolder, rules.model, signal)
    onTestFinished(() => policy.close())
    const evaluation = JSON.parse(await readFile(join(policyFolder, 'evaluation.json'), 'utf8'))

    const ours = await replay(await marketOf('2025', signal), rules, (row, position) =>
      policy.infer(buildObservation(contract, row.market, position, row.timeNormalized), signal),
    )
    expect(policy.describe().sha256).toBe(evaluation.model)
    expect(ours.equity).toHaveLength(evaluation.bars)
    expect(ours.fills.map(brief)).toEqual(evaluation.fills)
    expect(ours.cash).toBe(evaluation.final.cashCop)
    expect(ours.equity.at(-1)).toBe(evaluation.final.equityCop)
  })
})

interface MarketBar {
  readonly row: FeatureRow
  readonly open: number
  readonly close: number
}

async function readContract() {
  const file = join(root, 'config/contracts/observation-15d.v1.json')
  return parseContract(JSON.parse(await readFile(file, 'utf8')))
}

/** The accepted bars of one year; the years before it warm the reducer up. */
async function marketOf(year: string, signal: AbortSignal): Promise<MarketBar[]> {
  const contract = await readContract()
  const reducer = new Reducer(contract)
  for await (const record of readCsv(macro, signal))
    for (const value of parseMacroRecord(record, contract.definition.macro.series))
      reducer.macro.publish(value)
  const market: MarketBar[] = []
  for await (const record of readCsv(bars, signal)) {
    const bar = parseBar(record)
    const taken = reducer.step(bar)
    if (taken.kind === 'accepted' && taken.row.session.startsWith(year))
      market.push({ row: taken.row, open: bar.open, close: bar.close })
  }
  return market
}

type Ask = (row: FeatureRow, position: number) => Promise<number>

async function replay(market: readonly MarketBar[], rules: DecisionRules, ask: Ask) {
  let account = openAccount(rules.execution)
  const fills: Fill[] = []
  const equity: number[] = []
  let [refusals, expiries] = [0, 0]
  for (const { row, open, close } of market) {
    const step = onBar(account, { ...row, open, close }, rules.execution)
    account = step.account
    if (step.fill !== null) fills.push(step.fill)
    equity.push(step.mark.equity)
    if (row.flags.length > 0) {
      account = cancel(account)
      refusals += 1
      continue
    }
    const { target } = mapAction(await ask(row, account.position), rules.mapping)
    const placed = place(account, target, row, row.timeNormalized === 1)
    account = placed.account
    if (step.expiry !== null || placed.expiry !== null) expiries += 1
  }
  return { fills, equity, cash: account.cash, refusals, expiries }
}

function brief({ barTime, from, to, price, cost }: Fill) {
  return { barTime, from, to, price, costCop: cost }
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-execution-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

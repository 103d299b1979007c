import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { emptyRows } from '../src/rows.ts'
import { fitStatistics } from '../src/statistics.ts'
import { contract, contractJson } from './demo.ts'

const script = fileURLToPath(new URL('../../../scripts/fit-statistics.ts', import.meta.url))
const check = (...args: string[]) =>
  spawnSync(process.execPath, [script, '--check', ...args], { encoding: 'utf8' })

test('fits mean and population deviation on the complete rows of the span', () => {
  const rows = emptyRows(5)
  const days = ['2020-02-28', '2020-03-02', '2020-03-02', '2024-12-31', '2025-01-02']
  for (const [i, value] of [900, 1, 900, 3, 900].entries()) {
    rows.session[i] = days[i]!
    rows.market.fill(value, i * 13, i * 13 + 13)
  }
  rows.flags[2] = 1
  expect(fitStatistics(rows, '2020-03-01', '2024-12-31')).toEqual({
    from: '2020-03-01',
    to: '2024-12-31',
    rows: 2,
    mean: Array.from({ length: 13 }, () => 2),
    std: Array.from({ length: 13 }, () => 1),
  })
})

describe('fit-statistics --check', { timeout: 60_000 }, () => {
  test('passes on the contract as committed', () => {
    expect(check()).toMatchObject({ status: 0, stderr: '' })
  })

  test('fails when one digit of the statistics differs', () => {
    const folder = mkdtempSync(join(tmpdir(), 'usdcop-statistics-'))
    const path = join(folder, 'contract.json')
    const { statistics } = contract
    const mean = statistics.mean.with(3, statistics.mean[3]! + 1e-12)
    writeFileSync(path, JSON.stringify({ ...contractJson(), statistics: { ...statistics, mean } }))
    const { status, stderr } = check('--contract', path)
    rmSync(folder, { recursive: true })
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: `the statistics in ${path} are not those of data/\n`,
    })
  })
})

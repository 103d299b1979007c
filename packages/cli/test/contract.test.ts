import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Contract, parseContract } from '@usdcop/observation/contract'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CONTRACT_FILE } from '../src/paths.ts'
import { usdcop } from './usdcop.ts'

let folder: string
let contract: Contract

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'usdcop-contract-'))
  contract = parseContract(JSON.parse(await readFile(CONTRACT_FILE, 'utf8')))
})
afterAll(() => rm(folder, { recursive: true }))

test('prints the two hashes', async () => {
  const { definitionHash, contractHash } = contract
  expect(await usdcop('contract', 'hash')).toEqual({
    code: 0,
    stdout: `definitionHash ${definitionHash}\ncontractHash   ${contractHash}\n`,
    stderr: '',
  })
  const json = await usdcop('contract', 'hash', '--json')
  expect(JSON.parse(json.stdout)).toEqual({ definitionHash, contractHash })
})

test('shows the features in order, with the statistics of those that have them', async () => {
  const { code, stdout } = await usdcop('contract', 'show')
  const rows = stdout.split('\n').filter((line) => /^ ?\d/.test(line))
  expect(code).toBe(0)
  expect(rows.map((row) => row.trim().split(/ +/)[1])).toEqual(contract.names)
  expect(rows[11]).toContain(contract.statistics.mean[11]?.toPrecision(4))
  expect(rows[14]).toMatch(/passed +as is$/)
})

test('prints the whole contract as JSON that reads back', async () => {
  const { stdout } = await usdcop('contract', 'show', '--json')
  expect(JSON.parse(stdout)).toMatchObject({
    definitionHash: contract.definitionHash,
    contractHash: contract.contractHash,
    statistics: contract.statistics,
  })
})

test.for([
  { content: '{', says: 'JSON' },
  { content: '{}', says: 'at definition' },
])('names a file that is no contract: $content', async ({ content, says }) => {
  const file = join(folder, 'contract.json')
  await writeFile(file, content)
  const { code, stderr } = await usdcop('contract', 'hash', '--contract', file)
  expect(code).toBe(1)
  expect(stderr).toContain(`usdcop: ${file} is no contract: `)
  expect(stderr).toContain(says)
})

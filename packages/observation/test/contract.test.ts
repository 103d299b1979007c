import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { parseContract } from '../src/contract.ts'
import { contract, contractJson } from './demo.ts'

/** The file with one value changed, at a path like `definition.flags.warmupBars`. */
function changed(path: string, value: unknown): unknown {
  const json = contractJson()
  const keys = path.split('.')
  const last = keys.pop()!
  const holder = keys.reduce((at, key) => at[key] as Record<string, unknown>, json)
  holder[last] = value
  return json
}

test('names the 15 features in the order that models know', () => {
  const order = createHash('sha256').update(contract.names.join(',')).digest('hex')
  expect(order.slice(0, 16)).toBe('aa52761d1d8e4d3d')
})

test.for([
  ['definition.features.3.period', 14],
  ['definition.features.0.clip', 0.06],
  ['definition.calendar.lastBar', '17:50'],
  ['definition.calendar.holidays.US', []],
  ['definition.macro.release.at', '12:45'],
  ['definition.flags.warmupBars', 151],
] as const)('changes both hashes with %s', ([path, value]) => {
  const other = parseContract(changed(path, value))
  expect(other.definitionHash).not.toBe(contract.definitionHash)
  expect(other.contractHash).not.toBe(contract.contractHash)
})

test.for([
  ['statistics.rows', 1],
  ['normalisation.clip', 4],
  ['limits.maxBarAgeMinutes', 15],
  ['mapping.longAbove', 0.5],
  ['execution.slippageBps', 4],
] as const)('changes only the contract hash with %s', ([path, value]) => {
  const other = parseContract(changed(path, value))
  expect(other.definitionHash).toBe(contract.definitionHash)
  expect(other.contractHash).not.toBe(contract.contractHash)
})

test('keeps its hashes when the file is written in another order', () => {
  const { definition, ...rest } = contractJson()
  const other = parseContract({ ...rest, definition })
  expect([other.definitionHash, other.contractHash]).toEqual([
    contract.definitionHash,
    contract.contractHash,
  ])
})

test.for([
  { name: 'an unknown member', json: changed('limits.maxBarAge', 5), fault: 'maxBarAge' },
  { name: 'a missing block', json: changed('mapping', undefined), fault: 'mapping' },
  { name: 'features out of order', json: swapped(), fault: 'log_ret_5m' },
  { name: 'a deviation of zero', json: changed('statistics.std.3', 0), fault: 'std[3]' },
  {
    name: 'a time that is none',
    json: changed('definition.calendar.firstBar', '13h'),
    fault: 'HH:MM',
  },
  {
    name: 'an undeclared series',
    json: changed('definition.features.6.series', 'dix'),
    fault: 'dix',
  },
])('refuses $name and says so', ({ json, fault }) => {
  expect(() => parseContract(json)).toThrow(
    expect.objectContaining({
      name: 'ContractError',
      code: 'contract_invalid',
      message: expect.stringContaining(fault) as string,
    }),
  )
})

function swapped(): unknown {
  const [first, second, ...rest] = contract.definition.features
  return changed('definition.features', [second, first, ...rest])
}

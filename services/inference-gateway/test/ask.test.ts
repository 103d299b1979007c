import { expect, test } from 'vitest'
import { createAsk } from '../src/ask.ts'
import { startGateway } from './support/gateway.ts'
import { barClosed, calendar, contract, rules } from './support/market.ts'
import { memoryLedger } from './support/memory.ts'

test('gives all who ask about one symbol together one answer, and records it once for all who come later too', async () => {
  await using rig = await startGateway()
  await rig.close(barClosed(0))
  const refused: string[][] = []
  const ask = createAsk(
    {
      contract,
      calendar,
      rules,
      clock: { now: () => barClosed(0).availableAt + 600_001 },
      ledger: memoryLedger(rig.memory),
      bars: { newest: async () => [] },
      policy: undefined,
      catchUp: (signal) => rig.consumer.catchUp(signal),
      onRefused: (reasons) => refused.push([...reasons]),
    },
    AbortSignal.timeout(10_000),
  )
  const before = rig.memory.entries.length
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask('USD/COP')))
  expect(new Set(answers).size).toBe(1)
  expect(rig.memory.entries).toHaveLength(before + 1)
  expect(refused).toEqual([['bar_stale']])
  expect(await ask('USD/COP')).toEqual({ decision: answers[0]!.decision, created: false })
  expect(rig.memory.entries).toHaveLength(before + 1)
})

import { verifyChain } from '@usdcop/decision/chain'
import { describe, expect, test } from 'vitest'
import { pauseMs } from '../src/consumer.ts'
import type { Ledger } from '../src/ledger.ts'
import { startGateway } from './support/gateway.ts'
import { barClosed } from './support/market.ts'
import { emptyMemory, type Memory, memoryLedger, memoryOutbox } from './support/memory.ts'

const bars = Array.from({ length: 30 }, (_, i) => barClosed(i + 45))

const uninterrupted = async (): Promise<Memory> => {
  await using rig = await startGateway()
  for (const bar of bars) await rig.close(bar)
  return rig.memory
}

/** What must not depend on how often the process died. */
const domain = ({ entries, accounts, equity, cursor }: Memory) => ({
  entries,
  accounts: [...accounts],
  equity,
  cursor,
})

describe('a gateway that stops and starts', () => {
  test('continues the same ledger, whichever bar it stopped after', async () => {
    const whole = domain(await uninterrupted())
    for (const stopAt of [1, 7, 15, 16, 29]) {
      const memory = emptyMemory()
      {
        await using first = await startGateway({}, memory)
        for (const bar of bars.slice(0, stopAt)) await first.close(bar)
      }
      await using second = await startGateway({}, memory)
      for (const bar of bars.slice(stopAt)) await second.close(bar)
      expect(domain(memory)).toEqual(whole)
    }
  })

  test('decides nothing on a ledger that somebody has changed, and is not ready', async () => {
    const memory = emptyMemory()
    {
      await using first = await startGateway({}, memory)
      for (const bar of bars.slice(0, 3)) await first.close(bar)
    }
    const [first] = memory.entries
    memory.entries[0] = { ...first!, body: first!.body.replace('"action"', '"Action"') }
    const before = memory.entries.length
    await using second = await startGateway({}, memory)
    second.post(bars[3]!)
    await expect(second.consumer.catchUp(AbortSignal.timeout(10_000))).rejects.toMatchObject({
      code: 'ledger_broken',
    })
    expect((await second.app.inject('/readyz')).statusCode).toBe(503)
    expect(memory.entries).toHaveLength(before)
  })

  test('decides nothing twice when the same bar comes again under another event', async () => {
    await using rig = await startGateway()
    for (const bar of bars.slice(0, 3)) await rig.close(bar)
    const before = rig.memory.entries.length
    await rig.close(bars[2]!)
    await rig.close(bars[0]!)
    expect(rig.memory.entries).toHaveLength(before)
    expect(rig.memory.cursor).toBe(5)
  })

  test('repeats a bar whose commit failed, and does not repeat one whose answer was lost', async () => {
    const whole = domain(await uninterrupted())
    for (const loses of ['commit', 'answer'] as const) {
      const memory = emptyMemory()
      const sound = memoryLedger(memory)
      let commits = 0
      const ledger: Ledger = {
        ...sound,
        async commitBar(commit, signal) {
          commits += 1
          if (commits % 12 === 1 && loses === 'commit') throw new Error('the disk is full')
          const entries = await sound.commitBar(commit, signal)
          if (commits % 12 === 1) throw new Error('the connection was lost')
          return entries
        },
      }
      await using rig = await startGateway({ ledger }, memory)
      for (const bar of bars) await rig.close(bar)
      expect(domain(memory)).toEqual(whole)
    }
  })

  test('pushes again at its start what a crash kept from being pushed', async () => {
    const memory = emptyMemory()
    {
      const unreachable = { push: () => Promise.reject(new Error('killed before the push')) }
      await using first = await startGateway({ state: unreachable }, memory)
      for (const bar of bars.slice(0, 5)) await first.close(bar)
      expect(first.pushed).toEqual([])
    }
    await using second = await startGateway({}, memory)
    await second.consumer.catchUp(AbortSignal.timeout(10_000))
    expect(second.pushed).toEqual([
      {
        symbol: 'USD/COP',
        position: memory.equity.at(-1)?.position,
        timeNormalized: bars[4]?.timeNormalized,
        eventTimestamp: bars[4]?.availableAt,
      },
    ])
  })

  test('tries again less and less often while it fails, and at least every five seconds', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 5_000].map(pauseMs)).toEqual([
      250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000,
    ])
  })

  test('starts while its database does not answer, and follows the outbox once it does', async () => {
    const memory = emptyMemory()
    const outbox = memoryOutbox(memory)
    let attempts = 0
    await using rig = await startGateway(
      {
        outbox: {
          ...outbox,
          watch: () =>
            (attempts += 1) < 3
              ? Promise.reject(new Error('no connection'))
              : outbox.watch(() => {}),
        },
      },
      memory,
    )
    await rig.close(bars[0]!)
    expect(attempts).toBe(3)
    expect(memory.entries).toHaveLength(1)
  })

  test('writes no refusal because it is being stopped', async () => {
    const memory = emptyMemory()
    const { promise: reading, resolve } = Promise.withResolvers<void>()
    const features = {
      read: (_symbol: string, signal: AbortSignal) => {
        resolve()
        return new Promise<never>((_, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        )
      },
    }
    {
      await using rig = await startGateway({ features }, memory)
      rig.post(bars[0]!)
      rig.consumer.wake()
      await reading
    }
    expect(memory).toMatchObject({ entries: [], cursor: 0 })
    await using second = await startGateway({}, memory)
    second.clock.advanceTo(bars[0]!.availableAt)
    await second.consumer.catchUp(AbortSignal.timeout(10_000))
    expect(memory.cursor).toBe(1)
  })

  test('sees only what the online writer has finished', async () => {
    const memory = emptyMemory()
    memory.written = 0
    await using rig = await startGateway({}, memory)
    rig.post(bars[0]!)
    await rig.consumer.catchUp(AbortSignal.timeout(10_000))
    expect(memory.entries).toEqual([])
    memory.written = 1
    await rig.consumer.drained(1, AbortSignal.timeout(10_000))
    expect(memory.entries).toHaveLength(1)
  })

  test('decides late events in order, and refuses those that are stale by then', async () => {
    await using rig = await startGateway()
    for (const bar of bars.slice(0, 10)) rig.post(bar)
    await rig.consumer.catchUp(AbortSignal.timeout(10_000))
    const reasons = rig.memory.entries
      .filter(({ kind }) => kind === 'decision')
      .map(({ body }) => (JSON.parse(body) as { content: { reasons: string[] } }).content.reasons)
    expect(reasons).toHaveLength(10)
    expect(reasons.slice(0, 7).every((list) => list.includes('bar_stale'))).toBe(true)
    expect(reasons[9]).toEqual([])
    expect(verifyChain(rig.memory.entries)).toMatchObject({ ok: true })
  })

  test('stops at an event it does not understand, says it is not ready, and decides nothing after it', async () => {
    const memory = emptyMemory()
    memory.events.push({ id: 1, topic: 'bar_closed', payload: { symbol: 'USD/COP' } })
    await using rig = await startGateway({}, memory)
    rig.post(bars[1]!)
    await expect(rig.consumer.catchUp(AbortSignal.timeout(10_000))).rejects.toThrow('availableAt')
    expect(memory).toMatchObject({ entries: [], cursor: 0 })
    const ready = await rig.app.inject('/readyz')
    expect({ status: ready.statusCode, body: ready.json() as unknown }).toEqual({
      status: 503,
      body: { ready: false, checks: { database: true, outbox: false, model: true } },
    })
  })
})

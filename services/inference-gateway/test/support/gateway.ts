import { createKeyring, digestOf } from '@usdcop/service/auth'
import { SteppedClock } from '@usdcop/service/clock'
import { createLogger } from '@usdcop/service/log'
import { createRegistry } from '@usdcop/service/metrics'
import { buildApp, type Deps, type Gateway } from '../../src/app.ts'
import type { BarClosed } from '../../src/event.ts'
import type { StateRow } from '../../src/features/source.ts'
import { loadPolicy } from '../../src/model/load.ts'
import { contract, rules, SYMBOL, servedAt } from './market.ts'
import { emptyMemory, type Memory, memoryLedger, memoryOutbox } from './memory.ts'
import { manifestFor, policyBytes } from './policy.ts'

export const TOKEN = 'a-writer-token'
export const auth = { authorization: `Bearer ${TOKEN}` }

export interface Rig extends Gateway, AsyncDisposable {
  readonly memory: Memory
  readonly clock: SteppedClock
  readonly pushed: StateRow[]
  readonly registry: Deps['registry']
  /** Steps the clock to a bar's close, puts the bar in the outbox and waits for its decision. */
  close(event: BarClosed): Promise<void>
  /** The same without the wait. */
  post(event: BarClosed): number
}

/** A gateway over memory, a stepped clock and the fixture's policy; any part may be replaced. */
export async function startGateway(
  change: Partial<Deps> = {},
  memory: Memory = emptyMemory(),
): Promise<Rig> {
  const stop = new AbortController()
  const pushed: StateRow[] = []
  const clock = new SteppedClock(0)
  const registry = createRegistry('inference-gateway')
  let newest: BarClosed | undefined
  const deps: Deps = {
    contract,
    clock,
    features: { read: async () => servedAt(newest!) },
    state: { push: async (row) => void pushed.push(row) },
    policy: await loadPolicy(
      manifestFor(contract.contractHash),
      policyBytes,
      rules.model,
      stop.signal,
    ),
    ledger: memoryLedger(memory),
    outbox: memoryOutbox(memory),
    bars: { newest: async () => [] },
    status: {
      current: () => ({
        mode: 'replay',
        state: 'running',
        speed: 1,
        now: clock.now(),
        from: '2025-03-03',
        to: '2025-03-07',
        progress: { done: 1, total: 300 },
      }),
      subscribe: () => () => {},
    },
    symbol: SYMBOL,
    keyring: createKeyring([{ name: 'test', role: 'writer', sha256: digestOf(TOKEN) }]),
    bindHost: '127.0.0.1',
    hostNames: ['localhost', '127.0.0.1'],
    logger: createLogger({ name: 'test', level: 'silent' }),
    registry,
    ...change,
  }
  const gateway = await buildApp(deps, stop.signal)
  const post = (event: BarClosed): number => {
    newest = event
    clock.advanceTo(event.availableAt)
    const id = memory.events.length + 1
    const macroAgeMs = Number.isNaN(event.macroAgeMs) ? null : event.macroAgeMs
    memory.events.push({ id, topic: 'bar_closed', payload: { ...event, macroAgeMs } })
    return id
  }
  return {
    ...gateway,
    memory,
    clock,
    pushed,
    registry,
    post,
    async close(event) {
      await gateway.consumer.drained(post(event), AbortSignal.timeout(10_000))
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await gateway.app.close()
      await gateway.consumer.stopped
    },
  }
}

import { beforeAll, describe, expect, test } from 'vitest'
import { absentServices } from './absent.ts'
import { OURS, PEERS, type Service } from './support/addresses.ts'
import { containerOf, docker } from './support/docker.ts'
import { eventually } from './support/eventually.ts'
import { stackEnvironment } from './support/given.ts'
import { ledgerFaults, newestBarDecision } from './support/ledger.ts'
import { type Decision, decisionSince, iso } from './support/market.ts'
import { assertAllWell, SERVES_AGAIN } from './support/recovery.ts'

const WELL_AGAIN_MS = 120_000
const GRACE_SECONDS = 10
const absent = absentServices({ ...stackEnvironment(), ...process.env })
const here = <Name extends Service>(services: readonly Name[]) =>
  services.filter((service) => !absent.includes(service))

/** The newest decision whose past has been looked at. */
let mark: Decision

describe('Restarts', { timeout: 5 * WELL_AGAIN_MS }, () => {
  beforeAll(async () => {
    mark = await newestBarDecision(AbortSignal.timeout(10_000))
  })

  test.for(here(PEERS))('%s comes back, and the platform with it', async (service, { signal }) => {
    const { Id } = await containerOf(service, signal)
    await docker(['restart', Id], signal)
    expect(await faultsAfter(service, Date.now(), signal)).toEqual([])
  })

  // The gateway last: when it is ready again it has walked the whole ledger of all that came before.
  test.for(here(OURS))(
    '%s stops when asked, comes back, and the platform with it',
    async (service, { signal }) => {
      const { Id } = await containerOf(service, signal)
      const askedAt = performance.now()
      await docker(['stop', '-t', String(GRACE_SECONDS), Id], signal)
      const seconds = (performance.now() - askedAt) / 1_000
      const { State } = await containerOf(service, signal)
      // Before anything is expected: a container that stayed down would fail every later test.
      await docker(['start', Id], signal)
      const startedAt = Date.now()
      // Whoever does not end in time is killed, and ends with 137.
      expect({ code: State.ExitCode, killed: State.OOMKilled }).toEqual({ code: 0, killed: false })
      expect(seconds).toBeLessThanOrEqual(GRACE_SECONDS)
      expect(await faultsAfter(service, startedAt, signal)).toEqual([])
    },
  )
})

/** Waits until everything works again, and returns what is wrong with the ledger since the last look. */
async function faultsAfter(
  service: Service,
  since: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const patience = { signal, withinMs: WELL_AGAIN_MS }
  await eventually(`all containers to be well after ${service}`, assertAllWell, patience)
  const newest = await eventually(
    `a decision after ${iso(since)}`,
    (until) => decisionSince(since, until),
    patience,
  )
  await eventually(
    `${service} to do its work again`,
    (until) => SERVES_AGAIN[service](since, until),
    patience,
  )
  const seen = mark
  mark = newest
  return await ledgerFaults(seen, signal)
}

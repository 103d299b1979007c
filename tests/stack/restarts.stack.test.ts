import { beforeAll, describe, expect, test } from 'vitest'
import { absentServices } from './absent.ts'
import { OURS, PEERS, type Service } from './support/addresses.ts'
import { containerOf, docker, projectContainers } from './support/docker.ts'
import { eventually } from './support/eventually.ts'
import { stackEnvironment } from './support/given.ts'
import { as, ask } from './support/http.ts'
import { ledgerFaults, newestBarDecision } from './support/ledger.ts'
import { logLines } from './support/loki.ts'
import { type Decision, decisionSince, iso, SYMBOL } from './support/market.ts'
import { assertAllWell, SERVES_AGAIN } from './support/recovery.ts'
import { newCaller, spansOf } from './support/traces.ts'

/** Room for a night of the demo between two sessions. */
const WELL_AGAIN_MS = 150_000
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

  test('a request that fails is found in the log and in Jaeger under its caller’s trace', async ({
    signal,
  }) => {
    const { traceId, traceparent } = newCaller()
    const { Id } = await containerOf('redis', signal)
    const since = Date.now()
    await docker(['stop', Id], signal)
    const failed = await askForFeatures(traceparent, signal)
    await docker(['start', Id], signal)
    expect(failed).toMatchObject({ status: 503 })
    // What went wrong inside is for the log alone.
    expect(failed.text).not.toMatch(/redis|ECONN/i)

    const patience = { signal, withinMs: WELL_AGAIN_MS }
    const [line] = await eventually(
      `a line of trace ${traceId} in Loki`,
      async (until) => {
        const lines = await logLines(
          `{service="feast-server"} | trace_id="${traceId}"`,
          since,
          until,
        )
        if (lines.length === 0) throw new Error('no line of that trace')
        return lines
      },
      patience,
    )
    expect(line?.labels).toMatchObject({ service: 'feast-server', level: 'error' })
    const spans = await eventually(
      'its trace in Jaeger',
      (until) => spansOf(traceId, until),
      patience,
    )
    expect(spans.map(({ service, tags }) => ({ service, error: tags['error'] }))).toEqual([
      { service: 'feature-server', error: true },
    ])
    expect(await faultsAfter('redis', Date.now(), signal)).toEqual([])
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

describe('The machine', { timeout: 5 * WELL_AGAIN_MS }, () => {
  test('loses its power, and all of it comes back without hands', async ({ signal }) => {
    mark = await newestBarDecision(signal)
    const ids = (await projectContainers(signal)).map(({ Id }) => Id)
    await docker(['kill', ...ids], signal)
    // In no order that would help.
    await docker(['start', ...ids], signal)
    expect(await faultsAfter('vault', Date.now(), signal)).toEqual([])
  })
})

async function askForFeatures(traceparent: string, signal: AbortSignal) {
  const body = { feature_service: 'observation_15d', entities: { symbol: [SYMBOL] } }
  const question = { body, headers: { ...as.reader(), traceparent } }
  return await ask('feast-server', '/get-online-features', question, signal)
}

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

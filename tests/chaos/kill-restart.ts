import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { verifyChain } from '@usdcop/decision/chain'
import { listPartitions } from '@usdcop/offline-store/layout'
import type { StartReport } from '@usdcop/service/start-report'
import { expect, test } from 'vitest'
import { type RunningPlatform, startAllInOne } from '../support/all-in-one.ts'
import { writeShortHistory } from '../support/short-history.ts'
import { type DomainContent, readDomainContent } from './domain-content.ts'
import { seededRandom } from './seeded-random.ts'

/** Two sessions, 119 bars. */
const FROM = '2025-06-26'
const LAST = '2025-06-27'
const BARS = 119

/** After what the process is killed; `extra` is the part of that phase's usual length to wait. */
type Moment =
  | { readonly after: 'spawn' | 'backfill'; readonly extra: number }
  | { readonly after: 'bars'; readonly bars: number; readonly extra: number }

/** Milliseconds that each phase takes here, from the run that is not interrupted. */
type Pace = Readonly<Record<Moment['after'], number>>

/**
 * Tests that a platform killed again and again over one data directory, then left to finish, holds
 * what one that was never interrupted holds.
 *
 * @param history the few weeks before the replay, or the whole demo history
 */
export function testKillRestart(kills: number, seed: number, history: 'short' | 'whole'): void {
  test(`ends like an uninterrupted run after ${kills} kills (${history} history, seed ${seed})`, async ({
    signal,
  }) => {
    const folder = await mkdtemp(join(tmpdir(), 'usdcop-chaos-'))
    try {
      const env = {
        REPLAY_FROM: FROM,
        ...(history === 'short' && { BARS_FILE: await writeShortHistory(folder, signal) }),
      }
      const calm = join(folder, 'calm')
      const pace = await finish(calm, env)
      const expected = await readDomainContent(calm, signal)
      expectWhole(expected)

      const killed = join(folder, 'killed')
      const done: string[] = []
      for (const moment of plan(kills, seededRandom(seed)))
        done.push(await killOnce(killed, env, moment, pace))
      process.stdout.write(`${kills} kills, seed ${seed}, ${history} history: ${done.join(', ')}\n`)
      await finish(killed, env)
      expect(await readDomainContent(killed, signal)).toEqual(expected)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
}

/** What is compared must be there: two empty directories are equal, too. */
function expectWhole({ ledger, rows, equity, online, offline }: DomainContent): void {
  expect(verifyChain(ledger)).toMatchObject({ ok: true, head: { seq: ledger.length } })
  expect(ledger.filter(({ kind }) => kind === 'decision')).toHaveLength(BARS)
  expect(rows).toHaveLength(BARS)
  expect(equity).toHaveLength(BARS)
  expect(Object.keys(online)).toEqual(['technical_features', 'macro_features', 'state_features'])
  for (const row of Object.values(online)) expect(row?.values).not.toContain(undefined)
  for (const sealed of Object.values(offline)) expect(sealed).toHaveProperty(LAST)
}

/** First a fifth of the kills while there is no history yet, then any time. */
function plan(kills: number, random: () => number): Moment[] {
  const early = Math.ceil(kills / 5)
  const barsAtMost = Math.floor(BARS / kills)
  return Array.from({ length: kills }, (_, i): Moment => {
    const extra = random()
    if (i < early) return { after: i % 2 === 0 ? 'backfill' : 'spawn', extra }
    if (random() < 0.25 && i < kills - 1) return { after: 'spawn', extra }
    return { after: 'bars', bars: 1 + Math.floor(random() * barsAtMost), extra }
  })
}

/** Starts the platform, kills it at the moment and says when that was. */
async function killOnce(
  directory: string,
  env: NodeJS.ProcessEnv,
  moment: Moment,
  { spawn, backfill, bars }: Pace,
): Promise<string> {
  await using platform = startAllInOne(directory, env)
  const { after, extra } = moment
  if (after === 'backfill') await reports(platform, 'backfill', 1)
  if (after === 'bars') await reports(platform, 'session', moment.bars)
  const waitMs = { spawn, backfill, bars }[after] * extra
  // A random moment is the point here; there is no condition to wait for.
  await delay(waitMs)
  platform.child.kill('SIGKILL')
  expect(await platform.ended).toBe('SIGKILL')
  return `${after === 'bars' ? `bar ${moment.bars}` : after} +${waitMs.toFixed(0)} ms`
}

/** Lets the platform come to the end of the data and seal it, and stops it in order. */
async function finish(directory: string, env: NodeJS.ProcessEnv): Promise<Pace> {
  const startedAt = performance.now()
  await using platform = startAllInOne(directory, env)
  const { backfilled } = await platform.ready
  const readyAt = performance.now()
  await platform.finished
  const finishedAt = performance.now()
  await expect.poll(() => sealedSessions(directory), { timeout: 60_000 }).toContain(LAST)
  platform.child.kill('SIGTERM')
  expect(await platform.ended).toBe(0)
  return {
    spawn: readyAt - startedAt,
    backfill: (backfilled?.seconds ?? 0) * 1_000,
    bars: (finishedAt - readyAt) / BARS,
  }
}

/** Macro rows are sealed last. */
async function sealedSessions(directory: string): Promise<(string | null)[]> {
  const partitions = await listPartitions(join(directory, 'offline'), 'macro_features')
  return partitions.map(({ session }) => session)
}

/**
 * Until so many reports of a kind have come, or the replay is over and no more will; a process that
 * ends before is a failure.
 */
async function reports(
  { child, ended }: RunningPlatform,
  kind: StartReport['kind'],
  times: number,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let seen = 0
  child.on('message', (report: StartReport) => {
    // Where the history was loaded before, its moment falls into the replay.
    const instead = report.kind === 'finished' || (kind === 'backfill' && report.kind === 'ready')
    if (report.kind === kind) seen += 1
    if (seen === times || instead) resolve()
  })
  void ended.then((status) => reject(new Error(`the platform ended with ${status} by itself`)))
  await promise
}

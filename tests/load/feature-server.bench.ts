import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startOwnRedis } from '../support/redis.ts'
import { costFigures } from './feature-server/costs.ts'
import { materializingFigures } from './feature-server/materializing.ts'
import { observationFigures } from './feature-server/observation.ts'
import type { Peer } from './feature-server/peer.ts'
import { rateFigures } from './feature-server/rates.ts'
import { reloadingFigures } from './feature-server/reloading.ts'
import {
  type Bench,
  feastGoIsHere,
  feastIsHere,
  fillRedis,
  startFeast,
  startFeastGo,
  startOurs,
} from './feature-server/servers.ts'
import { throughputFigures } from './feature-server/throughput.ts'
import type { Figure } from './figure.ts'

/** As far as Feast's Python server goes on two cores. */
const TUNED = ['--workers', '2', '--max-requests', '100000000', '--no-access-log']

/**
 * This server beside Feast's and beside floors, with Feast's own benchmark workload in one Redis. Peers
 * take turns, so that what else the machine does meets them all alike.
 */
export async function featureServerBench(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-bench-'))
  const { signal, abort } = cancellable()
  await using redis = await startOwnRedis()
  await using peers = new AsyncDisposableStack()
  const bench: Bench = { redisUrl: redis.url, folder, signal }
  try {
    tell(feastIsHere() ? 'Feast writes the rows' : 'no Feast here, so we write the rows')
    await fillRedis(bench)
    if (!feastIsHere()) tell('skipped: Feast Python server, which is not installed')
    const ours = peers.use(await startOurs('this server', bench))
    const feast: Peer[] = []
    if (feastIsHere()) feast.push(peers.use(await startFeast('Feast Python tuned', bench, TUNED)))
    if (feastIsHere() && feastGoIsHere())
      feast.push(peers.use(await startFeastGo('Feast Go', bench)))
    else tell('skipped: Feast Go server; feast-go.sh builds it, and FEAST_GO names the program')
    const figures: Figure[] = []
    figures.push(...(await throughputFigures(bench, ours, feast, tell)))
    figures.push(...(await rateFigures(bench, ours, tell)))
    figures.push({
      name: 'memory of this server after the load',
      value: await ours.residentMegabytes(),
      unit: 'MiB',
      bar: { kind: 'at_most', value: 200 },
    })
    figures.push(...(await costFigures(bench, ours, tell)))
    figures.push(...(await observationFigures(bench, tell)))
    figures.push(...(await materializingFigures(bench, tell)))
    figures.push(...(await reloadingFigures(bench, tell)))
    return figures
  } finally {
    abort()
    await rm(folder, { recursive: true, force: true })
  }
}

function tell(step: string): void {
  process.stderr.write(`bench:   ${step}\n`)
}

function cancellable(): { signal: AbortSignal; abort: () => void } {
  const stop = new AbortController()
  return { signal: stop.signal, abort: () => stop.abort() }
}

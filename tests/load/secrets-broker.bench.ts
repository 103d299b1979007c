import { keepApart } from './apart.ts'
import type { Peer } from './feature-server/peer.ts'
import { type Figure, median, quantile } from './figure.ts'
import { cpuMicrosOf } from './secrets-broker/cpu-time.ts'
import { closedLoop, fixedRate, type Loaded } from './secrets-broker/load.ts'
import {
  type Bench,
  prepareBench,
  requestOf,
  startBroker,
  startFloor,
  targetOf,
  type Way,
} from './secrets-broker/servers.ts'
import { upstreamFigures } from './secrets-broker/upstream.ts'

const WAYS: readonly Way[] = ['bearer over HTTP', 'certificate over TLS']
const CONNECTIONS = 10
const ROUNDS = 5
const SECONDS = 2
const PER_SECOND = 2_000
const RATE_RUNS = 5
const RATE_SECONDS = 3

/**
 * The secrets broker over a real OpenBao: kept secrets beside a bare Fastify route that answers the same bytes, then what
 * goes to Vault. Broker and floor take turns on one processor, so that what else the machine does meets both alike; the load has another.
 */
export async function secretsBrokerBench(): Promise<readonly Figure[]> {
  const stop = new AbortController()
  await using bench = await prepareBench(stop.signal)
  const figures: Figure[] = []
  try {
    for (const way of WAYS) {
      await using broker = await startBroker(bench, way)
      await using floor = await startFloor(bench, way, broker)
      await using kept = await keepApart([broker.pid, floor.pid])
      if (!kept.apart) tell('load and servers share their processors: latencies say little')
      figures.push(...(await hitFigures(bench, way, broker, floor)))
      figures.push(...(await rateFigures(bench, way, broker, floor)))
    }
    figures.push(...(await upstreamFigures(bench, tell)))
    return figures
  } finally {
    stop.abort()
  }
}

async function hitFigures(
  bench: Bench,
  way: Way,
  broker: Peer,
  floor: Peer,
): Promise<readonly Figure[]> {
  const load = async (peer: Peer) => {
    const before = await cpuMicrosOf(peer.pid)
    const options = { connections: CONNECTIONS, seconds: SECONDS }
    const loaded = await closedLoop(targetOf(bench, way, peer), requestOf(way), options)
    return { ...loaded, micros: ((await cpuMicrosOf(peer.pid)) - before) / loaded.count }
  }
  const taken = new Map<Peer, (Loaded & { readonly micros: number })[]>([
    [broker, []],
    [floor, []],
  ])
  tell(`${way}: warming up`)
  for (const peer of taken.keys()) await load(peer)
  for (let round = 1; round <= ROUNDS; round += 1) {
    tell(`${way}: round ${round} of ${ROUNDS}`)
    for (const [peer, found] of taken) found.push(await load(peer))
  }
  const of = (peer: Peer) => taken.get(peer) ?? []
  const figures: Figure[] = [...taken].flatMap(([{ name }, found]) => [
    { name: `hit, ${name}`, value: median(found.map((one) => one.perSecond)), unit: 'requests/s' },
    { name: `hit, ${name}, CPU`, value: median(found.map((one) => one.micros)), unit: 'µs' },
  ])
  const share = of(broker).map((one, round) => one.perSecond / (of(floor)[round]?.perSecond ?? 0))
  figures.push({
    name: `hit, ${way}, share of the bare route`,
    value: median(share),
    unit: 'share',
    bar: { kind: 'at_least', value: 0.6 },
  })
  return figures
}

async function rateFigures(
  bench: Bench,
  way: Way,
  broker: Peer,
  floor: Peer,
): Promise<readonly Figure[]> {
  const taken = new Map<Peer, number[]>([
    [broker, []],
    [floor, []],
  ])
  const name = `hit at ${PER_SECOND}/s`
  for (let run = 1; run <= RATE_RUNS; run += 1) {
    tell(`${name}, ${way}, run ${run} of ${RATE_RUNS}`)
    for (const [peer, found] of taken) {
      const options = { perSecond: PER_SECOND, seconds: RATE_SECONDS }
      const target = targetOf(bench, way, peer)
      found.push(quantile(await fixedRate(target, requestOf(way), options), 0.99))
    }
  }
  return [...taken].map(([peer, found]) => ({
    name: `${name}, ${peer.name}, p99`,
    value: median(found),
    unit: 'ms',
    ...(peer === broker && { bar: { kind: 'at_most' as const, value: 1 } }),
  }))
}

function tell(step: string): void {
  process.stderr.write(`bench:   ${step}\n`)
}

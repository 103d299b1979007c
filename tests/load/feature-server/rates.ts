import { keepApart } from '../apart.ts'
import { type Figure, median, quantile } from '../figure.ts'
import { sampleAnswer } from './answers.ts'
import { fixedRate } from './fixed-rate.ts'
import type { Peer } from './peer.ts'
import { type Bench, startFloor } from './servers.ts'
import { bodies, nameOf } from './workload.ts'

const RUNS = 5
const SECONDS = 4

const RATES = [
  { rows: 1, features: 50, perSecond: 1_000, p99: 2 },
  { rows: 100, features: 50, perSecond: 100, p99: 15 },
]

/** Fixed rate: 99th percentiles, the median of the runs. */
export async function rateFigures(
  bench: Bench,
  ours: Peer,
  tell: (step: string) => void,
): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const { perSecond, p99, ...shape } of RATES) {
    const name = `${nameOf(shape)} at ${perSecond}/s`
    const asked = bodies(shape)
    await using floor = await startFloor('floor', bench, await sampleAnswer(ours, asked))
    await using kept = await keepApart([ours.pid, floor.pid])
    if (!kept.apart) tell('load and servers share their processors: latencies say little')
    const taken = new Map<Peer, number[]>([
      [ours, []],
      [floor, []],
    ])
    for (const peer of taken.keys()) await fixedRate(peer.url, asked, perSecond, 1)
    for (let run = 1; run <= RUNS; run += 1) {
      tell(`${name}, run ${run} of ${RUNS}`)
      for (const [peer, found] of taken)
        found.push(quantile(await fixedRate(peer.url, asked, perSecond, SECONDS), 0.99))
    }
    for (const [peer, found] of taken)
      figures.push({
        name: `${name}, ${peer.name}, p99`,
        value: median(found),
        unit: 'ms',
        ...(peer === ours ? { bar: { kind: 'at_most', value: p99 } } : {}),
      })
  }
  return figures
}

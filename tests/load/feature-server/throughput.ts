import { join } from 'node:path'
import { type Figure, median } from '../figure.ts'
import { sameAnswers, sampleAnswer } from './answers.ts'
import { closedLoop, keepBodies } from './closed-loop.ts'
import type { Peer } from './peer.ts'
import { type Bench, startFloor, startOurs } from './servers.ts'
import { bodies, nameOf, type Shape } from './workload.ts'

const ROUNDS = 3
const SECONDS = 2

/** Times Feast Python at its best, from issue 5. */
const SHAPES: readonly (Shape & { readonly times: number })[] = [
  { rows: 1, features: 50, times: 12 },
  { rows: 10, features: 50, times: 15 },
  { rows: 100, features: 50, times: 13 },
]

/** Closed loop: requests a second of all peers, ours as multiples and shares of theirs round by round. */
export async function throughputFigures(
  bench: Bench,
  ours: Peer,
  feast: readonly Peer[],
  tell: (step: string) => void,
): Promise<readonly Figure[]> {
  await using embedded = await startOurs('this server on LMDB', bench, {
    views: 5,
    lmdb: join(bench.folder, 'lmdb'),
  })
  const figures: Figure[] = []
  for (const shape of SHAPES) {
    const name = nameOf(shape)
    const asked = bodies(shape)
    for (const peer of feast) await sameAnswers(ours, peer, asked.slice(0, 5))
    const answer = await sampleAnswer(ours, asked)
    await using floor = await startFloor('floor', bench, answer)
    const peers = [ours, floor, ...feast, ...(shape.rows === 1 ? [embedded] : [])]
    const file = await keepBodies(join(bench.folder, `${name}.jsonl`), asked)
    const rates = await takingTurns(peers, file, ROUNDS, bench.signal, (peer) =>
      tell(`${name}, ${peer}`),
    )
    const of = (peer: Peer | undefined) => (peer === undefined ? [] : (rates.get(peer) ?? []))
    for (const peer of peers)
      figures.push({ name: `${name}, ${peer.name}`, value: median(of(peer)), unit: 'requests/s' })
    const [tuned] = feast
    if (tuned)
      figures.push({
        name: `${name}, this server by Feast Python tuned`,
        value: ratio(of(ours), of(tuned)),
        unit: 'times',
        bar: { kind: 'at_least', value: shape.times },
      })
    const cells = shape.rows * shape.features
    figures.push(
      { name: `${name}, this server by floor`, value: ratio(of(ours), of(floor)), unit: 'share' },
      { name: `${name}, cells`, value: median(of(ours)) * cells, unit: 'cells/s' },
      { name: `${name}, replies`, value: (median(of(ours)) * answer.length) / 1e6, unit: 'MB/s' },
    )
    if (shape.rows === 1)
      figures.push({
        name: `${name}, this server on LMDB by floor`,
        value: ratio(of(embedded), of(floor)),
        unit: 'share',
        bar: { kind: 'at_least', value: 0.4 },
      })
  }
  return figures
}

/** One round more than asked for: the first is for compilers and caches, and thrown away. */
export async function takingTurns(
  peers: readonly Peer[],
  asked: string,
  rounds: number,
  signal: AbortSignal,
  tell: (peer: string) => void,
  seconds = SECONDS,
): Promise<ReadonlyMap<Peer, readonly number[]>> {
  const rates = new Map<Peer, number[]>(peers.map((peer) => [peer, []]))
  for (const peer of peers) {
    tell(`${peer.name}: warming up`)
    await closedLoop(peer, asked, seconds, signal)
  }
  for (let round = 1; round <= rounds; round += 1) {
    tell(`round ${round} of ${rounds}`)
    for (const [peer, taken] of rates)
      taken.push((await closedLoop(peer, asked, seconds, signal)).perSecond)
  }
  return rates
}

/** The median of the rounds' ratios: what slows one round slows both sides of its ratio. */
export function ratio(ours: readonly number[], theirs: readonly number[]): number {
  return median(ours.map((one, round) => one / (theirs[round] ?? Number.NaN)))
}

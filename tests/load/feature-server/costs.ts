import { join } from 'node:path'
import { type Figure, median } from '../figure.ts'
import { keepBodies } from './closed-loop.ts'
import type { Peer } from './peer.ts'
import { type Bench, startOurs } from './servers.ts'
import { takingTurns } from './throughput.ts'
import { bodies, nameOf, type Shape } from './workload.ts'

const ROUNDS = 3
const SHAPES: readonly Shape[] = [
  { rows: 1, features: 250 },
  { rows: 10, features: 250 },
  { rows: 100, features: 250 },
]
/** As many views as 50 features take, and up. */
const REGISTRIES = [5, 100, 2_000]

/** How long a request keeps the server busy, by features and by views that the registry holds. */
export async function costFigures(
  bench: Bench,
  ours: Peer,
  tell: (step: string) => void,
): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  const keep = (shape: Shape) => {
    const file = join(bench.folder, `${nameOf(shape)}.jsonl`)
    return keepBodies(file, bodies(shape, Math.ceil(1_000 / shape.rows)))
  }
  for (const shape of SHAPES) {
    const say = (step: string) => tell(`${nameOf(shape)}, ${step}`)
    const rates = await takingTurns([ours], await keep(shape), ROUNDS, bench.signal, say, 1)
    figures.push(costOf(`cost of ${nameOf(shape)}`, rates.get(ours)))
  }
  await using peers = new AsyncDisposableStack()
  const bySize: Peer[] = []
  for (const views of REGISTRIES)
    bySize.push(
      peers.use(await startOurs(`cost of 1×50, ${views} views registered`, bench, { views })),
    )
  const file = await keep({ rows: 1, features: 50 })
  const rates = await takingTurns(bySize, file, ROUNDS, bench.signal, tell, 1)
  for (const [peer, found] of rates) figures.push(costOf(peer.name, found))
  return figures
}

function costOf(name: string, perSecond: readonly number[] = []): Figure {
  return { name, value: 1e6 / median(perSecond), unit: 'µs' }
}

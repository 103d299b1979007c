import type { Cluster } from 'ioredis'
import { emptyHashes, type HashAsk, type Hashes, type HashSource } from '../hash-source.ts'
import { keySlot } from '../redis-slot.ts'
import { type Follower, followNode } from './follow-node.ts'
import type { Lane } from './lane.ts'
import { fetchOver, type Refusal, refused } from './lane-hashes.ts'

/** The key is with another node, or on its way there: ioredis finds it, and mends its map meanwhile. */
const REDIRECTED = /^(MOVED|ASK|TRYAGAIN) /

/** Hashes over one read lane a node, by the map of slots that ioredis keeps. */
export function clusterHashes(
  cluster: Cluster,
  suffix: Buffer,
  plain: HashSource,
  onError: (error: Error) => void,
): HashSource {
  const laneOfSlot = followCluster(cluster, onError)
  return {
    async fetch(asks, signal) {
      const parts = split(asks, (key) => laneOfSlot(keySlot(Buffer.concat([key, suffix]))))
      if (parts === undefined) return plain.fetch(asks, signal)
      const hashes = asks.map(emptyHashes)
      const work = parts.map(async (part) => {
        const fetched = await fetchOver(part.lane, part.asks, suffix, signal)
        place(part, fetched.hashes, hashes)
        const again = redirected(part, fetched.refusals)
        if (again !== undefined) place(again, await plain.fetch(again.asks, signal), hashes)
      })
      await Promise.all(work)
      return hashes
    },
  }
}

/** Some keys of each ask, and where in that ask they were. */
interface Part {
  readonly asks: HashAsk[]
  readonly places: number[][]
}

interface LanePart extends Part {
  readonly lane: Lane
}

/** One part a lane; undefined when a key's node has none. */
function split(
  asks: readonly HashAsk[],
  laneOf: (key: Buffer) => Lane | undefined,
): readonly LanePart[] | undefined {
  const parts = new Map<Lane, LanePart & { readonly asks: { keys: Buffer[] }[] }>()
  for (const [index, { keys }] of asks.entries())
    for (const [row, key] of keys.entries()) {
      const lane = laneOf(key)
      if (lane === undefined) return undefined
      let part = parts.get(lane)
      if (part === undefined) {
        part = {
          lane,
          asks: asks.map(({ list }) => ({ list, keys: [] })),
          places: asks.map(() => []),
        }
        parts.set(lane, part)
      }
      part.asks[index]?.keys.push(key)
      part.places[index]?.push(row)
    }
  return [...parts.values()]
}

/** @throws ServiceError `store_unavailable` on any other refusal */
function redirected(part: Part, refusals: readonly Refusal[]): Part | undefined {
  const others = refusals.filter(({ message }) => !REDIRECTED.test(message))
  if (others.length > 0) throw refused(others)
  if (refusals.length === 0) return undefined
  const rows = part.asks.map((_, index) =>
    refusals.filter(({ ask }) => ask === index).map(({ key }) => key),
  )
  return {
    asks: part.asks.map(({ keys, list }, index) => ({
      list,
      keys: (rows[index] ?? []).map((row) => keys[row] as Buffer),
    })),
    places: part.places.map((places, index) =>
      (rows[index] ?? []).map((row) => places[row] as number),
    ),
  }
}

function place({ asks, places }: Part, from: readonly Hashes[], to: readonly Hashes[]): void {
  for (const [index, { list }] of asks.entries()) {
    const source = from[index] as Hashes
    const target = to[index] as Hashes
    const stride = 2 * list.fields.length
    for (const [row, at] of (places[index] ?? []).entries()) {
      target.buffers[at] = source.buffers[row] as Buffer
      const start = source.first + row * stride
      target.cells.set(source.cells.subarray(start, start + stride), target.first + at * stride)
    }
  }
}

function followCluster(
  cluster: Cluster,
  onError: (error: Error) => void,
): (slot: number) => Lane | undefined {
  let masters = new Map<string, Follower>()
  const followers = new WeakMap<object, Follower>()
  const refresh = () => {
    masters = new Map(
      cluster.nodes('master').map((node) => {
        const follower = followers.get(node) ?? followNode(node, onError)
        followers.set(node, follower)
        return [`${node.options.host}:${node.options.port}`, follower]
      }),
    )
  }
  for (const event of ['ready', '+node', '-node', 'refresh']) cluster.on(event, refresh)
  refresh()
  return (slot) => masters.get(cluster.slots[slot]?.[0] ?? '')?.lane
}

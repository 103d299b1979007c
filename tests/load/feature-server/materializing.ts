import { spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { constants, setPriority } from 'node:os'
import { join } from 'node:path'
import type { Definitions, FeatureView } from '@usdcop/feast/registry/definitions'
import { openFileRegistry } from '@usdcop/feast/registry/file-registry-store'
import { createRegistry } from '@usdcop/feast/registry/registry'
import { connectRedis, createRedisStore } from '@usdcop/feast/stores/redis-store'
import { openDuckdb, quoteText } from '@usdcop/offline-store/parquet'
import { type Figure, median, quantile } from '../figure.ts'
import { fixedRate } from './fixed-rate.ts'
import type { Peer } from './peer.ts'
import { type Bench, startRepository } from './servers.ts'
import { bodies, definitions, writeRows } from './workload.ts'

const ROWS = 200_000
const PER_SECOND = 200
const ROUNDS = 3
const PROJECT = 'materializing_bench'
const TICKS_A_SECOND = 100

/** Reads of 1×50 while another view of 200,000 rows is materialized, beside reads while somebody spins. */
export async function materializingFigures(
  bench: Bench,
  tell: (step: string) => void,
): Promise<readonly Figure[]> {
  const key = randomUUID()
  await using server = await startRepository('this server', bench, await repository(bench), [
    `bench:writer:${createHash('sha256').update(key).digest('hex')}`,
  ])
  const asked = bodies({ rows: 1, features: 50 })
  const read = (seconds: number) => fixedRate(server.url, asked, PER_SECOND, seconds)
  await read(3)
  const beside: Record<'materializing' | 'spinning', number[]> = { materializing: [], spinning: [] }
  const took: number[] = []
  for (let round = 1; round <= ROUNDS; round += 1) {
    tell(`materializing, round ${round} of ${ROUNDS}`)
    const cpuBefore = await cpuSecondsOfChildren(server.pid)
    const startedAt = performance.now()
    const latencies = await readWhile(materialize(server, key, bench.signal), read)
    const seconds = (performance.now() - startedAt) / 1_000
    took.push(seconds)
    beside.materializing.push(quantile(latencies, 0.99))
    const share = ((await cpuSecondsOfChildren(server.pid)) - cpuBefore) / seconds
    tell(`${ROWS} rows in ${seconds.toFixed(1)} s, ${(100 * share).toFixed(0)} % of a core`)
    using _spinner = startSpinner(share)
    beside.spinning.push(quantile(await read(Math.ceil(seconds)), 0.99))
  }
  const name = `1×50 at ${PER_SECOND}/s`
  return [
    { name: `${name} while materializing, p99`, value: median(beside.materializing), unit: 'ms' },
    {
      name: `${name} while somebody spins as much, p99`,
      value: median(beside.spinning),
      unit: 'ms',
    },
    {
      name: `${name}, materializing by spinning`,
      value: median(beside.materializing) / median(beside.spinning),
      unit: 'times',
      bar: { kind: 'at_most', value: 2 },
    },
    { name: 'materializing beside reads', value: ROWS / median(took), unit: 'rows/s' },
  ]
}

/** A second at a time until the work is done; a request that fails rejects. */
async function readWhile(
  work: Promise<void>,
  read: (seconds: number) => Promise<readonly number[]>,
): Promise<readonly number[]> {
  let done = false
  const settled = work.finally(() => {
    done = true
  })
  const latencies: number[] = []
  while (!done) latencies.push(...(await read(1)))
  await settled
  return latencies
}

async function materialize({ url }: Peer, key: string, signal: AbortSignal): Promise<void> {
  const response = await fetch(`${url}/materialize`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({
      start_ts: '2026-01-01T00:00:00',
      end_ts: '2026-01-02T00:00:00',
      feature_views: ['history'],
    }),
    signal,
  })
  if (!response.ok)
    throw new Error(`/materialize answered ${response.status}: ${await response.text()}`)
}

/** A Feast repository of the benchmark's views, whose rows are in Redis, and of one that is not there yet. */
async function repository({ redisUrl, folder, signal }: Bench): Promise<string> {
  const directory = join(folder, 'materializing')
  await mkdir(directory)
  const yaml = [
    `project: ${PROJECT}`,
    'registry: registry.db',
    // Written again in every round, whatever stands there.
    `online_store: {type: redis, connection_string: "${new URL(redisUrl).host}", skip_dedup: true}`,
    'offline_store: {type: file}',
  ]
  await writeFile(join(directory, 'feature_store.yaml'), yaml.join('\n'))
  await writeHistory(join(directory, 'history.parquet'))
  const defined: Definitions = { ...definitions(5), project: PROJECT }
  const registry = { path: join(directory, 'registry.db'), onlineVersioning: false }
  const kept = openFileRegistry(registry, PROJECT, Date.now)
  await kept.apply({ ...defined, views: [...defined.views, HISTORY] }, signal)
  await kept.close()
  const client = connectRedis(redisUrl, () => {})
  if (client.status !== 'ready') await once(client, 'ready', { signal })
  await writeRows(createRedisStore(client, PROJECT), createRegistry(defined), Date.now(), signal)
  client.disconnect()
  return directory
}

const FEATURES = Array.from({ length: 10 }, (_, i) => `past_${i}`)

const HISTORY: FeatureView = {
  name: 'history',
  entities: ['entity'],
  features: FEATURES.map((name) => ({ name, valueType: 'INT64' as const })),
  ttlMs: 0,
  pushSource: undefined,
  batchSource: {
    name: 'history',
    kind: 'BATCH_FILE',
    path: 'history.parquet',
    timestampField: 'event_timestamp',
    tags: {},
  },
  tags: {},
}

async function writeHistory(file: string): Promise<void> {
  using duckdb = await openDuckdb()
  const columns = FEATURES.map((name, i) => `(i * ${i + 7}) % 1000003 as ${name}`)
  await duckdb.connection.run(
    `copy (select 100000 + i as entity, ${columns.join(', ')},
       timestamptz '2026-01-01 12:00:00+00' as event_timestamp
     from range(${ROWS}) as t(i)) to ${quoteText(file)} (format parquet)`,
  )
}

/** Of those that have ended. */
async function cpuSecondsOfChildren(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // Behind the name, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[13]) + Number(fields[14])) / TICKS_A_SECOND
}

const SPINNER = `
const share = Number(process.argv[1])
const nobody = new Int32Array(new SharedArrayBuffer(4))
for (;;) {
  const until = performance.now() + 20 * share
  while (performance.now() < until);
  if (share < 1) Atomics.wait(nobody, 0, 0, 20 * (1 - share))
}
`

/** Keeps that share of a core busy in turns of 20 ms, at the priority at which the server materializes. */
function startSpinner(share: number): Disposable {
  const child = spawn(process.execPath, ['-e', SPINNER, String(Math.min(share, 1))])
  if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW)
  return { [Symbol.dispose]: () => void child.kill() }
}

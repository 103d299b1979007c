import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openFileRegistry } from '@usdcop/feast/registry/file-registry-store'
import { type Figure, median, quantile } from '../figure.ts'
import { fixedRate } from './fixed-rate.ts'
import { type Bench, startRepository } from './servers.ts'
import { bodies, definitions, PROJECT } from './workload.ts'

const VIEWS = 2_000
const PER_SECOND = 250
const SECONDS = 6
const ROUNDS = 3

/** Reads while another registry of 2,000 views is put in the place of the served one every second. */
export async function reloadingFigures(
  bench: Bench,
  tell: (step: string) => void,
): Promise<readonly Figure[]> {
  const directory = join(bench.folder, 'reloading')
  const states = await writeRepository(directory, bench)
  await using server = await startRepository('this server', bench, directory, [])
  const asked = bodies({ rows: 1, features: 50 })
  await fixedRate(server.url, asked, PER_SECOND, 3)
  const still: number[] = []
  const changing: number[] = []
  for (let round = 1; round <= ROUNDS; round += 1) {
    tell(`a registry that changes, round ${round} of ${ROUNDS}`)
    still.push(quantile(await fixedRate(server.url, asked, PER_SECOND, SECONDS), 0.99))
    let next = 0
    const changes = setInterval(() => {
      next += 1
      void replace(join(directory, 'registry.db'), states[next % states.length] as Buffer)
    }, 1_000)
    changing.push(quantile(await fixedRate(server.url, asked, PER_SECOND, SECONDS), 0.99))
    clearInterval(changes)
  }
  const name = `1×50 at ${PER_SECOND}/s, ${VIEWS} views`
  return [
    { name: `${name}, p99`, value: median(still), unit: 'ms' },
    {
      name: `${name}, p99 while one of them changes every second`,
      value: median(changing),
      unit: 'ms',
    },
  ]
}

/** @returns registries that differ in one view */
async function writeRepository(directory: string, { redisUrl, signal }: Bench): Promise<Buffer[]> {
  await mkdir(directory)
  const yaml = [
    `project: ${PROJECT}`,
    'registry: {path: registry.db, cache_ttl_seconds: 1}',
    `online_store: {type: redis, connection_string: "${new URL(redisUrl).host}"}`,
    'offline_store: {type: file}',
  ]
  await writeFile(join(directory, 'feature_store.yaml'), yaml.join('\n'))
  const path = join(directory, 'registry.db')
  const kept = openFileRegistry({ path, onlineVersioning: false }, PROJECT, Date.now)
  const defined = definitions(VIEWS)
  const states: Buffer[] = []
  for (const description of ['one', 'other']) {
    const views = defined.views.map((view, i) => (i === 7 ? { ...view, description } : view))
    await kept.apply({ ...defined, views }, signal)
    states.push(await readFile(path))
  }
  await kept.close()
  return states
}

async function replace(path: string, bytes: Buffer): Promise<void> {
  await writeFile(`${path}.next`, bytes)
  await rename(`${path}.next`, path)
}

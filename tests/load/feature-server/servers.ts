import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { NODE_FLAGS } from '@usdcop/cli/child-service'
import { connectRedis, createRedisStore } from '@usdcop/feast/stores/redis-store'
import { feastPython } from '../../support/feast-forks.ts'
import { freePort, type Peer, startPeer } from './peer.ts'
import { VIEWS, workload, writeRows } from './workload.ts'

const inThis = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

export interface Bench {
  readonly redisUrl: string
  /** Gone after the run. */
  readonly folder: string
  readonly signal: AbortSignal
}

export const feastIsHere = (): boolean => existsSync(feastPython())

/** Puts the rows of the workload into Redis: Feast itself where it is installed, else this program. */
export async function fillRedis({ redisUrl, folder, signal }: Bench): Promise<void> {
  const { host } = new URL(redisUrl)
  if (feastIsHere()) {
    await promisify(execFile)(feastPython(), [inThis('workload.py'), folder, host], { signal })
    return
  }
  const client = connectRedis(redisUrl, () => {})
  if (client.status !== 'ready') await once(client, 'ready', { signal })
  const registry = workload()
  const store = createRedisStore(client, registry.project)
  await writeRows(store, registry, Date.now(), signal)
  client.disconnect()
}

/** This server over the workload, its rows in Redis or, given a folder, its own in LMDB. */
export function startOurs(
  name: string,
  { redisUrl, signal }: Bench,
  { views = VIEWS, lmdb = undefined as string | undefined } = {},
): Promise<Peer> {
  const args = (port: number) => [
    ...NODE_FLAGS,
    inThis('serve.ts'),
    String(port),
    String(views),
    lmdb ?? redisUrl,
  ]
  return startPeer({ name, command: process.execPath, args, signal })
}

/** The service as it is shipped, over the demo's own features. */
export function startService(name: string, { redisUrl, signal }: Bench): Promise<Peer> {
  const main = inThis('../../../services/feature-server/src/main.ts')
  return startPeer({
    name,
    command: process.execPath,
    args: () => [...NODE_FLAGS, main],
    env: (port) => ({ HOST: '127.0.0.1', PORT: String(port), REDIS_URL: redisUrl }),
    signal,
  })
}

/** The service over a Feast repository, as `feast serve` runs it. */
export function startRepository(
  name: string,
  { signal }: Bench,
  directory: string,
  apiKeys: readonly string[],
): Promise<Peer> {
  const main = inThis('../../../services/feature-server/src/main.ts')
  const env = (port: number) => ({
    HOST: '127.0.0.1',
    PORT: String(port),
    FEAST_REPO: directory,
    API_KEYS: apiKeys.join(','),
  })
  return startPeer({
    name,
    command: process.execPath,
    args: () => [...NODE_FLAGS, main],
    env,
    signal,
  })
}

/** Answers the given bytes, after reading the given fields of a Redis hash where there are any. */
export async function startFloor(
  name: string,
  { redisUrl, signal }: Bench,
  answer: Buffer,
  read?: { readonly key: Buffer; readonly fields: readonly Buffer[] },
): Promise<Peer> {
  const hash = read ? [read.key, ...read.fields].map((one) => one.toString('hex')) : []
  const asked = read ? [new URL(redisUrl).port, ...hash] : []
  const floor = await startPeer({
    name,
    command: process.execPath,
    args: (port) => [inThis('floor.ts'), String(port), ...asked],
    signal,
  })
  await fetch(floor.url, { method: 'PUT', body: new Uint8Array(answer), signal })
  return floor
}

/** What feast-go.sh builds. */
const feastGo = (): string | undefined => process.env['FEAST_GO']

export const feastGoIsHere = (): boolean => existsSync(feastGo() ?? '')

/** Feast's server in Go. Only `?status=true` makes it tell statuses and times, as the others do. */
export async function startFeastGo(name: string, { folder, signal }: Bench): Promise<Peer> {
  const metricsPort = await freePort()
  const args = (port: number) => [
    '-chdir',
    folder,
    '-type',
    'http',
    '-host',
    '127.0.0.1',
    '-port',
    String(port),
    '-metrics-port',
    String(metricsPort),
  ]
  const path = '/get-online-features?status=true'
  return await startPeer({ name, command: feastGo() ?? '', args, path, signal })
}

export function startFeast(
  name: string,
  { folder, signal }: Bench,
  options: readonly string[],
): Promise<Peer> {
  const command = join(feastPython(), '../feast')
  const args = (port: number) => ['-c', folder, 'serve', '-p', String(port), ...options]
  return startPeer({ name, command, args, signal })
}

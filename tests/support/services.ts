import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { digestOf } from '@usdcop/service/auth'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const WRITER = 'the-writer-of-the-tests'

/** One service in a process of its own. */
export interface RunningService {
  readonly url: string
  readonly child: ChildProcess
  /** Its log so far, a JSON object a line. */
  readonly log: readonly string[]
}

/** The three services as containers run them: on real servers, with their secrets in files. */
export interface RunningServices extends AsyncDisposable {
  readonly featureServer: RunningService
  readonly materializer: RunningService
  readonly gateway: RunningService
  /** Bearer token of a writer everywhere, and the file that holds it. */
  readonly token: string
  readonly tokenFile: string
  readonly folder: string
}

/**
 * Starts them on free ports, one after the other, and waits until each listens. Disposing asks them to
 * end, and fails when one does not end with 0.
 *
 * @param env more variables for all of them: `CLOCK_*`
 * @param onLog told each line of their logs
 */
export async function startServices(
  servers: { readonly databaseUrl: string; readonly redisUrl: string },
  env: NodeJS.ProcessEnv = {},
  onLog: (line: string) => void = () => {},
): Promise<RunningServices> {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-services-'))
  const secret = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), `${text}\n`)
    return join(folder, name)
  }
  const tokenFile = await secret('writer_key', WRITER)
  const shared = {
    ...env,
    PATH: process.env['PATH'],
    PORT: '0',
    DATA_DIR: join(folder, 'data'),
    API_KEYS_FILE: await secret('api_keys', `tests:writer:${digestOf(WRITER)}`),
  }
  const DATABASE_URL_FILE = await secret('database_url', servers.databaseUrl)
  const REDIS_URL_FILE = await secret('redis_url', servers.redisUrl)
  const running: ChildProcess[] = []
  const start = async (name: string, own: NodeJS.ProcessEnv): Promise<RunningService> => {
    const main = join(ROOT, 'services', name, 'src/main.ts')
    const stdio = ['ignore', 'pipe', 'inherit'] as const
    const child = spawn(process.execPath, [main], {
      cwd: ROOT,
      env: { ...shared, ...own },
      stdio: [...stdio],
    })
    running.push(child)
    return { child, ...(await listening(name, child, onLog)) }
  }
  const dispose = async (): Promise<void> => {
    const ends = await Promise.all(running.toReversed().map(endOf))
    await rm(folder, { recursive: true, force: true })
    if (ends.some((code) => code !== 0)) throw new Error(`a service ended with ${ends.join(', ')}`)
  }
  try {
    const featureServer = await start('feature-server', { REDIS_URL_FILE })
    const materializer = await start('materializer', { DATABASE_URL_FILE, REDIS_URL_FILE })
    const gateway = await start('inference-gateway', {
      DATABASE_URL_FILE,
      FEATURE_SERVER_URL: featureServer.url,
      FEATURE_SERVER_KEY_FILE: tokenFile,
    })
    const urls = { featureServer, materializer, gateway }
    return { ...urls, token: WRITER, tokenFile, folder, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose().catch(() => {})
    throw error
  }
}

/** Resolves with its address, which its log names; rejects when it ends before. */
export async function listening(
  name: string,
  child: ChildProcess,
  onLog: (line: string) => void,
): Promise<{ readonly url: string; readonly log: readonly string[] }> {
  if (child.stdout === null) throw new Error(`${name} has no log`)
  const log: string[] = []
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  createInterface(child.stdout).on('line', (line) => {
    log.push(line)
    onLog(line)
    const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? []
    // Other addresses are in warnings about who does not answer.
    if (address !== undefined && /listening|"address"/.test(line)) resolve(address)
  })
  child.once('exit', () =>
    reject(new Error(`${name} ended before it listened:\n${log.join('\n')}`)),
  )
  return { url: await promise, log }
}

/** Asks a process to end, and resolves with its exit code. */
export async function endOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  return child.exitCode
}

import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { digestOf } from '@usdcop/service/auth'
import { runFeast, startFeast as startRun } from '@usdcop/tests/support/feast-forks'
import { type OwnRedis, startOwnRedis } from '@usdcop/tests/support/redis'
import { freePort } from '@usdcop/tests/support/redis-node'
import { endOf, listening } from '@usdcop/tests/support/services'
import { until } from '@usdcop/tests/support/until'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const FEAST_STARTS_WITHIN_MS = 60_000

/** Bearer tokens that `startOurs` takes. */
export const WRITER = 'the-writer-of-the-tests'
export const READER = 'the-reader-of-the-tests'

export interface Repository extends AsyncDisposable {
  /** Holds `feature_store.yaml` and the `registry.db` that Feast wrote. */
  readonly folder: string
}

/** The repository of `repository.py`: applied, and its rows written, by Feast itself. */
export async function feastRepository(redisUrl: string, signal: AbortSignal): Promise<Repository> {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-drop-in-'))
  const script = fileURLToPath(new URL('repository.py', import.meta.url))
  await runFeast([script, folder, new URL(redisUrl).host], signal)
  return {
    folder,
    [Symbol.asyncDispose]: async () => await rm(folder, { recursive: true, force: true }),
  }
}

export interface Server extends AsyncDisposable {
  readonly url: string
}

/**
 * `feast serve` on a repository.
 *
 * @param workers more than one fail on a registry in SQL, whose connection they all inherit
 */
export async function startFeast(
  { folder }: Pick<Repository, 'folder'>,
  workers = 2,
): Promise<Server> {
  const port = await freePort()
  const options = ['-h', '127.0.0.1', '-p', String(port), '-w', String(workers), '--no-access-log']
  const running = await startRun(['feast', '-c', folder, 'serve', ...options])
  const dispose = async () => await running.stop()
  let failure: string | undefined
  void running.ended.then(({ code, stderr }) => {
    failure = `feast serve ended with ${code}: ${stderr}`
  })
  const url = `http://127.0.0.1:${port}`
  try {
    await until(
      async () => {
        if (failure !== undefined) throw new Error(failure)
        const reply = await fetch(`${url}/health`).catch(() => undefined)
        return reply?.status === 200
      },
      'feast serve answers',
      FEAST_STARTS_WITHIN_MS,
    )
  } catch (error) {
    await dispose()
    throw error
  }
  return { url, [Symbol.asyncDispose]: dispose }
}

/** Our feature server on a repository, as `usdcop feast serve` or straight by `FEAST_REPO`. */
export async function startOurs(
  { folder }: Pick<Repository, 'folder'>,
  how: 'usdcop feast serve' | 'FEAST_REPO',
  env: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const args =
    how === 'FEAST_REPO'
      ? ['services/feature-server/src/main.ts']
      : ['packages/cli/src/main.ts', 'feast', '-c', folder, 'serve', '-p', '0']
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: {
      PATH: process.env['PATH'],
      API_KEYS: `writes:writer:${digestOf(WRITER)},reads:reader:${digestOf(READER)}`,
      ...(how === 'FEAST_REPO' && { FEAST_REPO: folder, PORT: '0' }),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const { url } = await listening('feature-server', child, () => {})
  return {
    url,
    async [Symbol.asyncDispose]() {
      const code = await endOf(child)
      if (code !== 0) throw new Error(`the feature server ended with ${code}`)
    },
  }
}

export interface BesideFeast {
  readonly redis: OwnRedis
  readonly repository: Repository
  readonly feast: Server
  readonly ours: Server
}

/** A Redis, the repository in it, and both servers on it; they end with `world`. */
export async function besideFeast(
  world: AsyncDisposableStack,
  ...how: Tail<Parameters<typeof startOurs>>
): Promise<BesideFeast> {
  const redis = world.use(await startOwnRedis())
  const repository = world.use(await feastRepository(redis.url, AbortSignal.timeout(110_000)))
  const feast = world.use(await startFeast(repository))
  const ours = world.use(await startOurs(repository, ...how))
  return { redis, repository, feast, ours }
}

type Tail<T extends readonly unknown[]> = T extends [unknown, ...infer Rest] ? Rest : never

/**
 * The same registry under another `feature_store.yaml`, in a folder inside the repository's.
 *
 * @param sections lines that replace those of the same name, or are added
 */
export async function variant(
  { folder }: Repository,
  name: string,
  sections: Readonly<Record<string, string>>,
): Promise<Pick<Repository, 'folder'>> {
  const yaml = await readFile(join(folder, 'feature_store.yaml'), 'utf8')
  const kept = yaml.split('\n').filter((line) => !((line.split(':')[0] as string) in sections))
  const lines = [...kept, ...Object.entries(sections).map(([key, value]) => `${key}: ${value}`)]
  await mkdir(join(folder, name))
  await writeFile(join(folder, name, 'feature_store.yaml'), `${lines.join('\n')}\n`)
  return { folder: join(folder, name) }
}

/**
 * The repository as a client of a server has it: its online store is `remote`.
 *
 * @param token sent as the bearer token, where there is one
 */
export async function clientOf(
  repository: Repository,
  name: string,
  { url }: Server,
  token?: string,
): Promise<string> {
  const { folder } = await variant(repository, name, {
    online_store: `{type: remote, path: '${url}'}`,
    ...(token !== undefined && { auth: `{type: oidc, token: '${token}'}` }),
  })
  return folder
}

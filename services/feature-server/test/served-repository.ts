import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Definitions } from '@usdcop/feast/registry/definitions'
import { openFileRegistry } from '@usdcop/feast/registry/file-registry-store'
import type { RegistryStore } from '@usdcop/feast/registry/registry-store'
import { digestOf } from '@usdcop/service/auth'
import { TOKENS } from './feature-server.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const MAIN = join(ROOT, 'services/feature-server/src/main.ts')
const { signal } = new AbortController()

export interface Line {
  readonly pid: number
  readonly msg: string
  readonly address?: string
}

export interface TestRepository extends AsyncDisposable {
  readonly directory: string
  readonly registry: RegistryStore
}

/** A repository on an embedded online store, its definitions applied. */
export async function repositoryOf(definitions: Definitions, yaml = ''): Promise<TestRepository> {
  const directory = await mkdtemp(join(tmpdir(), 'usdcop-repository-'))
  await mkdir(join(directory, 'data'))
  const lines = [
    `project: ${definitions.project}`,
    'registry: data/registry.db',
    'online_store: {type: lmdb, path: data/online}',
    yaml,
  ]
  await writeFile(join(directory, 'feature_store.yaml'), lines.join('\n'))
  const file = { path: join(directory, 'data/registry.db'), onlineVersioning: false }
  const registry = openFileRegistry(file, definitions.project, Date.now)
  await registry.apply(definitions, signal)
  return {
    directory,
    registry,
    [Symbol.asyncDispose]: async () => await rm(directory, { recursive: true, force: true }),
  }
}

/** The feature server as a process over a repository. */
export async function startServer(directory: string, env: NodeJS.ProcessEnv = {}) {
  const child: ChildProcess = spawn(process.execPath, [MAIN], {
    cwd: ROOT,
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      MAX_EVENT_LOOP_DELAY_MS: '0',
      FEAST_REPO: directory,
      API_KEYS: `writer:writer:${digestOf(TOKENS.writer)}`,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit') as Promise<[number | null]>
  const lines: Line[] = []
  const served = Promise.withResolvers<string>()
  if (child.stdout === null) throw new Error('no log')
  createInterface(child.stdout).on('line', (text) => {
    const line = JSON.parse(text) as Line
    lines.push(line)
    if (line.msg === 'serving features') served.resolve(line.address ?? '')
  })
  void exit.then(([code]) => served.reject(new Error(`it ended with ${code} before it served`)))
  const address = await served.promise

  const post = async (path: string, body: unknown) => {
    const reply = await fetch(`${address}${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${TOKENS.writer}`,
        // Each request may reach another worker.
        connection: 'close',
      },
      body: JSON.stringify(body),
    })
    return { status: reply.status, text: await reply.text() }
  }
  return {
    address,
    child,
    exit,
    lines,
    post,
    ask: async (body: unknown) => JSON.parse((await post('/get-online-features', body)).text),
    /** The processes that have materialized so far. */
    materializers: () =>
      lines.filter(({ msg }) => msg === 'materializing a repository').map(({ pid }) => pid),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await exit
    },
  }
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A redis-server of a test's own, to be killed, stalled and started again at the same address. */
export interface RedisNode extends AsyncDisposable {
  readonly host: string
  readonly port: number
  readonly url: string
  /** The process as it runs now. */
  signal(name: NodeJS.Signals): void
  /** Kills it with no chance to say goodbye. */
  kill(): Promise<void>
  up(): Promise<void>
}

export interface RedisNodeOptions {
  /** Further options as on redis-server's command line. */
  readonly options?: readonly string[]
  /** What redis-server is to read and rewrite as its configuration: for sentinels. */
  readonly configuration?: string
  /** A port that is free, where others must know it before. */
  readonly port?: number
}

const HOST = '127.0.0.1'

export async function startRedisNode(given: RedisNodeOptions = {}): Promise<RedisNode> {
  const directory = await mkdtemp(join(tmpdir(), 'usdcop-redis-'))
  const port = given.port ?? (await freePort())
  const file = join(directory, 'redis.conf')
  await writeFile(file, given.configuration ?? '')
  const options = ['--port', String(port), '--bind', HOST, '--dir', directory, '--save', '']
  let child: ChildProcess
  const up = async () => {
    child = spawn('redis-server', [file, ...options, ...(given.options ?? [])])
    await ready(child)
  }
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await up()
  return {
    host: HOST,
    port,
    url: `redis://${HOST}:${port}`,
    signal: (name) => void child.kill(name),
    kill,
    up,
    async [Symbol.asyncDispose]() {
      await kill()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function ready(server: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let output = ''
  server.on('error', reject)
  server.on('exit', () => reject(new Error(`redis-server ended: ${output}`)))
  server.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString()
    if (/Ready to accept connections|\+monitor master|Running mode=sentinel/.test(output)) resolve()
  })
  await promise
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, HOST)
  await once(probe, 'listening')
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}

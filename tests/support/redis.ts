import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GenericContainer } from 'testcontainers'

export interface RedisServer extends AsyncDisposable {
  readonly url: string
}

/** One that may be stopped and started again, at the same address; it forgets its rows meanwhile. */
export interface OwnRedis extends RedisServer {
  down(): Promise<void>
  up(): Promise<void>
}

/**
 * A real Redis: the one at `REDIS_URL`, else a local redis-server, which starts in a blink, else a
 * container. A given one is not emptied: tests use a project name of their own.
 */
export async function startRedis(): Promise<RedisServer> {
  const given = process.env['REDIS_URL']
  if (given !== undefined && given !== '')
    return { url: given, [Symbol.asyncDispose]: async () => {} }
  return (await startLocal()) ?? startContainer()
}

/** A local redis-server, whatever `REDIS_URL` says: somebody else's is not ours to stop. */
export async function startOwnRedis(): Promise<OwnRedis> {
  const server = await startLocal()
  if (server === undefined) throw new Error('no redis-server here: apt-get install redis-server')
  return server
}

async function startLocal(): Promise<OwnRedis | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'usdcop-redis-'))
  const port = await freePort()
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory]
  const launch = () => spawn('redis-server', [...options, '--save', '', '--appendonly', 'no'])
  let server = launch()
  const down = async () => {
    if (server.exitCode !== null || server.signalCode !== null || server.pid === undefined) return
    server.kill('SIGTERM')
    await once(server, 'exit')
  }
  const stop = async () => {
    await down()
    await rm(directory, { recursive: true, force: true })
  }
  if (await ready(server))
    return {
      url: `redis://127.0.0.1:${port}`,
      down,
      async up() {
        server = launch()
        if (!(await ready(server))) throw new Error('redis-server did not start again')
      },
      [Symbol.asyncDispose]: stop,
    }
  await stop()
  return undefined
}

async function startContainer(): Promise<RedisServer> {
  const container = await new GenericContainer('redis:7.4').withExposedPorts(6379).start()
  return {
    url: `redis://${container.getHost()}:${container.getMappedPort(6379)}`,
    [Symbol.asyncDispose]: async () => {
      await container.stop()
    },
  }
}

/** True once the server says so; false where there is no such program or it ends at once. */
function ready(server: ChildProcess): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  let output = ''
  server.on('error', () => resolve(false))
  server.on('exit', () => resolve(false))
  server.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString()
    if (output.includes('Ready to accept connections')) resolve(true)
  })
  return promise
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}

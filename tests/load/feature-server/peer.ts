import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { get as getSecurely } from 'node:https'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

/** One server under load, in a process of its own. */
export interface Peer extends AsyncDisposable {
  readonly name: string
  readonly url: string
  /** Of the route that is asked. */
  readonly path: string
  readonly pid: number
  /** From the spawn to the first 200. */
  readonly readyMs: number
  residentMegabytes(): Promise<number>
}

export interface PeerOptions {
  readonly name: string
  readonly command: string
  readonly args: (port: number) => readonly string[]
  readonly env?: (port: number) => NodeJS.ProcessEnv
  readonly healthPath?: string
  readonly path?: string
  /** Of its authority, where it speaks TLS. */
  readonly ca?: string | undefined
  /** Where its standard output goes, a file's descriptor; nowhere unless given. */
  readonly output?: number
  readonly signal: AbortSignal
}

/** Starts it on a free port and waits until it is healthy. */
export async function startPeer(options: PeerOptions): Promise<Peer> {
  const { name, command, args, env, healthPath = '/health', signal } = options
  const { path = '/get-online-features', ca, output = 'ignore' } = options
  const port = await freePort()
  const url = `${ca === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  const startedAt = performance.now()
  const child = spawn(command, args(port), {
    stdio: ['ignore', output, 'pipe'],
    env: { ...process.env, ...env?.(port) },
  })
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(-4_000)
  })
  const end = () => stop(child)
  while (!(await healthy(url + healthPath, ca))) {
    if (child.exitCode !== null) throw new Error(`${name} ended at its start: ${said}`)
    if (signal.aborted || performance.now() - startedAt > 60_000) {
      await end()
      throw new Error(`${name} was not healthy in time: ${said}`)
    }
    await sleep(4)
  }
  return {
    name,
    url,
    path,
    pid: child.pid ?? Number.NaN,
    readyMs: performance.now() - startedAt,
    async residentMegabytes() {
      const ps = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(child.pid)])
      return Number(ps.stdout) / 1_024
    },
    [Symbol.asyncDispose]: end,
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}

function healthy(url: string, ca: string | undefined): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const answered = (response: IncomingMessage) => {
    response.resume()
    resolve(response.statusCode === 200)
  }
  const asking =
    ca === undefined
      ? get(url, { agent: false }, answered)
      : getSecurely(url, { agent: false, ca }, answered)
  asking.on('error', () => resolve(false))
  return promise
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../../stack/support/eventually.ts'

export interface Ended {
  readonly code: number
  /** Standard output, then standard error. */
  readonly output: string
}

/** Runs a program to its end, whatever that is. */
export function run(
  path: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  const { promise, resolve, reject } = Promise.withResolvers<Ended>()
  execFile(path, args, options, (error, stdout, stderr) => {
    if (error !== null && typeof error.code !== 'number') reject(error)
    else resolve({ code: Number(error?.code ?? 0), output: `${stdout}${stderr}` })
  })
  return promise
}

/** A server that is up, because it answered `readyUrl`; disposing it ends it. */
export async function start(
  path: string,
  args: readonly string[],
  readyUrl: string,
  signal: AbortSignal,
  env: NodeJS.ProcessEnv = {},
): Promise<AsyncDisposable> {
  const server = spawn(path, args, { env: { ...process.env, ...env } })
  let output = ''
  for (const stream of [server.stdout, server.stderr])
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4_000)
    })
  const stop = async () => {
    if (server.exitCode === null && server.signalCode === null) {
      server.kill('SIGKILL')
      await once(server, 'exit')
    }
  }
  try {
    await eventually(
      `${path} answers ${readyUrl}`,
      async (within) => {
        if (server.exitCode !== null) throw new Error(`it ended: ${output}`)
        const { ok, status } = await fetch(readyUrl, { signal: within })
        if (!ok) throw new Error(`it answers ${status}: ${output}`)
      },
      { signal, withinMs: 60_000 },
    )
  } catch (error) {
    await stop()
    throw error
  }
  return { [Symbol.asyncDispose]: stop }
}

/** A folder that is gone when it is disposed. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'usdcop-config-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** Ports of loopback that nobody listens on, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const probes = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(probes.map((probe) => once(probe, 'listening')))
  const ports = probes.map((probe) => {
    const address = probe.address()
    if (address === null || typeof address === 'string') throw new Error('no free port')
    return address.port
  })
  await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))))
  return ports
}

/** A text with each of the keys replaced by its value, all of them, in the order given. */
export function withReplaced(text: string, changes: Readonly<Record<string, string>>): string {
  return Object.entries(changes).reduce((whole, [from, to]) => {
    if (!whole.includes(from)) throw new Error(`the file does not say ${from}`)
    return whole.replaceAll(from, to)
  }, text)
}

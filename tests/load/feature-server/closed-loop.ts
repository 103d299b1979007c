import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Peer } from './peer.ts'

const SCRIPT = fileURLToPath(new URL('ask.lua', import.meta.url))
export const CONNECTIONS = 8

export interface Throughput {
  readonly perSecond: number
  readonly bytesPerSecond: number
}

/** So many connections, each asking again when it has its answer; wrk, because it costs the least CPU. */
export async function closedLoop(
  { url, path }: Pick<Peer, 'url' | 'path'>,
  asked: string,
  seconds: number,
  signal: AbortSignal,
): Promise<Throughput> {
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--timeout', '10s', '-s', SCRIPT, url]
  const env = { ...process.env, BODIES: asked, ASKED_PATH: path }
  const { stdout } = await promisify(execFile)('wrk', args, { env, signal }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      throw new Error('no wrk on PATH, which makes the load: apt-get install wrk', { cause: error })
    },
  )
  const said = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Said
  if (said.failed > 0 || said.requests === 0)
    throw new Error(`${url}: ${said.failed} of ${said.requests} requests failed`)
  const perSecond = 1e6 / said.micros
  return { perSecond: said.requests * perSecond, bytesPerSecond: said.bytes * perSecond }
}

interface Said {
  readonly micros: number
  readonly requests: number
  readonly bytes: number
  readonly failed: number
}

/** @returns the file's path, for `closedLoop` */
export async function keepBodies(file: string, asked: readonly string[]): Promise<string> {
  await writeFile(file, asked.join('\n'))
  return file
}

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Service } from '../../../services/secrets-broker/test/prepared-vault.ts'
import { endOf, listening } from '../../support/services.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

export interface ServiceProcess {
  readonly name: Service
  readonly child: ChildProcess
  readonly url: string
  /** Lines of its log so far, parsed. */
  log(): readonly Record<string, unknown>[]
}

export interface Starting {
  readonly child: ChildProcess
  readonly lines: readonly string[]
  readonly listening: Promise<ServiceProcess>
}

export interface Folder extends AsyncDisposable {
  /** Starts a service's own main on a free port. */
  start(name: Service, env: NodeJS.ProcessEnv): Starting
}

/** What services leave on disk, and what of them still runs, goes with it. */
export async function openFolder(): Promise<Folder> {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-services-'))
  const children: ChildProcess[] = []
  return {
    start(name, env) {
      const child = spawn(process.execPath, [join(ROOT, 'services', name, 'src/main.ts')], {
        cwd: ROOT,
        env: { PATH: process.env['PATH'], PORT: '0', DATA_DIR: join(folder, name), ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      children.push(child)
      const lines: string[] = []
      const log = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>)
      const up = listening(name, child, (line) => lines.push(line))
      return { child, lines, listening: up.then(({ url }) => ({ name, child, url, log })) }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(children.map(endOf))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Requests over and over, and what became of them. */
export interface Traffic {
  readonly answered: () => number
  /** Stops it; those that were not answered with 2xx. */
  stop(): Promise<readonly string[]>
}

export function keepAsking(urls: Readonly<Record<Service, string>>, token: string): Traffic {
  let answered = 0
  let ended = false
  let bars = 0
  const failures: string[] = []
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const repeat = async (url: string, bodyOf?: () => unknown) => {
    while (!ended) {
      const body = bodyOf?.()
      const asked = fetch(url, {
        headers,
        ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(10_000),
      })
      await asked.then(
        async (answer) => {
          const text = await answer.text()
          if (answer.ok) answered += 1
          else failures.push(`${new Date().toISOString()} ${url} ${answer.status} ${text}`)
        },
        (error: unknown) => failures.push(`${url} ${String(error)}`),
      )
      await sleep(25)
    }
  }
  const features = { features: ['state_features:position'], entities: { symbol: ['USD/COP'] } }
  const bar = () => {
    bars += 1
    const time = new Date(Date.UTC(2025, 0, 6, 13) + bars * 300_000).toISOString()
    return { bars: [{ symbol: 'USD/COP', time, open: 4000, high: 4001, low: 3999, close: 4000 }] }
  }
  const pushed = () => ({
    push_source_name: 'state_push',
    df: {
      symbol: ['USD/COP'],
      position: [0],
      time_normalized: [0.5],
      event_timestamp: [new Date().toISOString()],
    },
  })
  const work = [
    repeat(`${urls['feature-server']}/get-online-features`, () => features),
    repeat(`${urls['feature-server']}/push`, pushed),
    repeat(`${urls.materializer}/v1/status`),
    repeat(`${urls.materializer}/v1/bars`, bar),
    repeat(`${urls['inference-gateway']}/v1/decisions`),
    repeat(`${urls['inference-gateway']}/v1/decisions?limit=1`),
  ]
  return {
    answered: () => answered,
    async stop() {
      ended = true
      await Promise.all(work)
      return failures
    },
  }
}

import { readFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import { basename, extname } from 'node:path'
import { setInterval as every } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type {
  ConsoleSnapshot,
  ConsoleStatus,
  ConsoleTick,
} from '../../services/inference-gateway/console/wire.d.ts'
import { consoleTicks, readConsoleBars } from './console-market.ts'

const GATEWAY = new URL('../../services/inference-gateway/', import.meta.url)
const VENDOR: Record<string, string> = {
  'uplot.js': 'node_modules/uplot/dist/uPlot.esm.js',
  'uplot.css': 'node_modules/uplot/dist/uPlot.min.css',
}
const MEDIA: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
const MAX_BARS = 600

/** A gateway of which only the console is real; the test says when a bar closes. */
export interface ConsoleFixture extends AsyncDisposable {
  readonly url: string
  /** Closes the next `count` bars, each with its tick to every open page; says how many were left. */
  close(count: number): number
  /** The newest tick. */
  newest(): ConsoleTick
}

export interface ConsoleFixtureOptions {
  /** 0 takes any free port. */
  port: number
  /** Bars that have closed before the first page opens. */
  closed: number
  /** Bars the run has in all, the newest of the demo data. */
  total: number
}

/** Serves the console's files, a snapshot and an event stream over real bars on loopback. */
export async function startConsoleFixture({
  port,
  closed,
  total,
}: ConsoleFixtureOptions): Promise<ConsoleFixture> {
  const ticks = consoleTicks(await readConsoleBars(total))
  const streams = new Set<ServerResponse>()
  let place = closed

  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    if (path === '/console/events') return openStream(response, streams, statusOf(ticks, place))
    if (path === '/console/snapshot') return sendJson(response, snapshotOf(ticks, place))
    void sendFile(path, response)
  })
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')

  const close = (count: number) => {
    for (const tick of ticks.slice(place, place + count)) {
      place += 1
      broadcast(streams, 'tick', tick)
      broadcast(streams, 'status', statusOf(ticks, place))
    }
    return ticks.length - place
  }

  return {
    url: `http://127.0.0.1:${address.port}`,
    close,
    newest: () => newestOf(ticks, place),
    async [Symbol.asyncDispose]() {
      for (const stream of streams) stream.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}

function newestOf(ticks: readonly ConsoleTick[], place: number): ConsoleTick {
  const tick = ticks[place - 1]
  if (!tick) throw new RangeError('no bar has closed yet')
  return tick
}

function openStream(
  response: ServerResponse,
  streams: Set<ServerResponse>,
  status: ConsoleStatus,
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  response.write(`event: status\ndata: ${JSON.stringify(status)}\n\n`)
  streams.add(response)
  response.on('close', () => streams.delete(response))
}

function broadcast(streams: Set<ServerResponse>, event: string, data: unknown): void {
  for (const stream of streams) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
}

function statusOf(ticks: readonly ConsoleTick[], place: number): ConsoleStatus {
  return {
    mode: 'replay',
    state: place >= ticks.length ? 'finished' : 'running',
    speed: 1,
    now: ticks[place - 1]?.now ?? 0,
    from: ticks[0]?.bar.session ?? null,
    to: ticks.at(-1)?.bar.session ?? null,
    progress: { done: place, total: ticks.length },
  }
}

function snapshotOf(ticks: readonly ConsoleTick[], place: number): ConsoleSnapshot {
  const held = ticks.slice(Math.max(0, place - MAX_BARS), place)
  return {
    status: statusOf(ticks, place),
    symbol: 'USD/COP',
    contract: {
      version: 'observation-15d.v1',
      definitionHash: '7d1f0c52'.repeat(8),
      contractHash: 'b94ae613'.repeat(8),
    },
    model: { name: 'momentum-fixture', version: '1', sha256: '3c0de5a1'.repeat(8) },
    bars: held.map(({ bar }) => bar),
    decisions: held.flatMap(({ decision }) => decision ?? []),
    fills: held.flatMap(({ fills }) => fills),
    equity: held.map(({ equity }) => equity),
    last: held.at(-1) ?? null,
  }
}

function sendJson(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
}

async function sendFile(path: string, response: ServerResponse): Promise<void> {
  const file = fileOf(path)
  const bytes = file === null ? null : await readFile(new URL(file, GATEWAY)).catch(() => null)
  if (file === null || bytes === null) {
    response.writeHead(404).end()
    return
  }
  response.writeHead(200, {
    'content-type': MEDIA[extname(file)] ?? 'application/octet-stream',
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'x-content-type-options': 'nosniff',
  })
  response.end(bytes)
}

function fileOf(path: string): string | null {
  if (path === '/') return 'console/index.html'
  if (path.startsWith('/console/vendor/')) return VENDOR[basename(path)] ?? null
  return path.startsWith('/console/static/') ? `console/${basename(path)}` : null
}

/** `node tests/support/console-fixture.ts --port 8091 --every 1000`: the console alone, to work on. */
if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '8091' },
      every: { type: 'string', default: '1000' },
      closed: { type: 'string', default: '420' },
      total: { type: 'string', default: '720' },
    },
  })
  const fixture = await startConsoleFixture({
    port: Number(values.port),
    closed: Number(values.closed),
    total: Number(values.total),
  })
  process.stdout.write(`${fixture.url}\n`)
  for await (const _ of every(Number(values.every))) if (fixture.close(1) === 0) break
}

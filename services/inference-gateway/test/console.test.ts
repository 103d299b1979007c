import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { EventStreams } from '../src/console/events.ts'
import { ConsoleFeed } from '../src/console/feed.ts'
import { consoleDecision } from '../src/console/tick.ts'
import type { ConsoleStatus } from '../src/console/wire.ts'
import { type Rig, startGateway, TOKEN } from './support/gateway.ts'
import { barClosed, contract, rules } from './support/market.ts'
import { emptyMemory, type Memory, memoryLedger } from './support/memory.ts'

const consoleBar = (i: number) => {
  const { barTime, open, high, low, close, session } = barClosed(i)
  return { barTime, open, high, low, close, session }
}
const withBars = (count: number) => ({
  bars: { newest: async () => Array.from({ length: count }, (_, i) => consoleBar(i)) },
})
const signal = AbortSignal.timeout(30_000)

describe('the console page', () => {
  test.for([
    { url: '/', type: 'text/html' },
    { url: '/console/static/main.js', type: 'application/javascript' },
    { url: '/console/static/style.css', type: 'text/css' },
    { url: '/console/static/favicon.svg', type: 'image/svg+xml' },
    { url: '/console/vendor/uplot.js', type: 'application/javascript' },
    { url: '/console/vendor/uplot.css', type: 'text/css' },
  ])('serves $url under a strict policy', async ({ url, type }) => {
    await using rig = await startGateway()
    const reply = await rig.app.inject({ url, headers: { host: 'localhost:8090' } })
    expect({ status: reply.statusCode, headers: reply.headers }).toMatchObject({
      status: 200,
      headers: {
        'content-type': expect.stringContaining(type),
        'content-security-policy': expect.stringMatching(
          /^default-src 'none'; script-src 'self'; /,
        ),
        'x-content-type-options': 'nosniff',
      },
    })
  })

  test.for([
    '/console/static/wire.d.ts',
    '/console/static/tsconfig.json',
    '/console/static/../package.json',
    '/console/static/%2e%2e/package.json',
    '/console/vendor/uPlot.d.ts',
  ])('does not serve %s', async (url) => {
    await using rig = await startGateway()
    const reply = await rig.app.inject({ url, headers: { host: 'localhost' } })
    expect(reply.statusCode).toBe(404)
  })

  test.for([
    { name: 'a name of somebody else', headers: { host: 'evil.example' } },
    {
      name: 'a page of somebody else',
      headers: { host: 'localhost', origin: 'http://evil.example' },
    },
  ])('is refused to $name', async ({ headers }) => {
    await using rig = await startGateway()
    for (const url of ['/', '/console/snapshot', '/console/events', '/console/static/main.js'])
      expect((await rig.app.inject({ url, headers })).statusCode).toBe(403)
  })
})

describe('a console beyond this machine', () => {
  const basic = (text: string) => ({
    authorization: `Basic ${Buffer.from(text).toString('base64')}`,
  })
  const urls = ['/', '/console/static/main.js', '/console/snapshot']

  test.for([
    { name: 'no key', headers: {} },
    { name: 'a wrong password', headers: basic('me:guess') },
    { name: 'a key as the user name', headers: basic(`${TOKEN}:`) },
    { name: 'no colon', headers: basic(TOKEN) },
  ])('asks a browser for a password given $name', async ({ headers }) => {
    await using rig = await startGateway({ bindHost: '0.0.0.0' })
    for (const url of [...urls, '/console/events']) {
      const reply = await rig.app.inject({ url, headers: { host: 'localhost', ...headers } })
      expect({
        status: reply.statusCode,
        body: reply.json(),
        headers: reply.headers,
      }).toMatchObject({
        status: 401,
        body: { error: { code: 'unauthenticated', requestId: reply.headers['x-request-id'] } },
        headers: { 'www-authenticate': expect.stringMatching(/^Basic realm=/) },
      })
    }
  })

  test.for([
    { name: 'a password', headers: basic(`anyone:${TOKEN}`) },
    { name: 'a bearer token', headers: { authorization: `Bearer ${TOKEN}` } },
  ])('opens to a key given as $name, under a name it knows', async ({ headers }) => {
    await using rig = await startGateway({ bindHost: '0.0.0.0' })
    const statuses = async (host: string) =>
      Promise.all(
        urls.map(async (url) => {
          const reply = await rig.app.inject({ url, headers: { host, ...headers } })
          return reply.statusCode
        }),
      )
    expect(await statuses('localhost')).toEqual([200, 200, 200])
    expect(await statuses('evil.example')).toEqual([403, 403, 403])
  })

  test('takes a password for the console alone', async () => {
    await using rig = await startGateway({ bindHost: '0.0.0.0' })
    const reply = await rig.app.inject({ url: '/v1/decisions', headers: basic(`me:${TOKEN}`) })
    expect(reply.statusCode).toBe(401)
  })
})

describe('GET /console/snapshot', () => {
  const snapshotOf = async (rig: Rig) =>
    (await rig.app.inject({ url: '/console/snapshot', headers: { host: 'localhost' } })).json()

  test('is whole before the first bar', async () => {
    await using rig = await startGateway()
    expect(await snapshotOf(rig)).toEqual({
      status: {
        mode: 'replay',
        state: 'running',
        speed: 1,
        now: 0,
        from: '2025-03-03',
        to: '2025-03-07',
        progress: { done: 1, total: 300 },
      },
      symbol: 'USD/COP',
      contract: {
        version: contract.version,
        definitionHash: contract.definitionHash,
        contractHash: contract.contractHash,
      },
      model: { name: 'test-policy', version: '1', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      bars: [],
      decisions: [],
      fills: [],
      equity: [],
      last: null,
    })
  })

  test('tells what the ledger tells, and the last tick also after a restart', async () => {
    const memory = emptyMemory()
    const live = await playSession(memory)
    await using second = await startGateway(withBars(12), memory)
    const reopened = await snapshotOf(second)
    expect(reopened).toEqual({
      ...live,
      status: { ...live.status, now: 0 },
      last: { ...live.last, decision: reopened.last.decision, latency: reopened.last.latency },
    })
    const { latencyMs: _timed, ...decided } = live.last.decision
    expect(reopened.last.decision).toMatchObject(decided)
  })

  test('is read once for consoles that ask together, and anew after the next tick', async () => {
    const memory = emptyMemory()
    let reads = 0
    const gate = Promise.withResolvers<void>()
    const bars = {
      newest: async () => {
        reads += 1
        await gate.promise
        return [consoleBar(0), consoleBar(1)]
      },
    }
    await using rig = await startGateway({ bars }, memory)
    await rig.close(barClosed(0))
    const early = [snapshotOf(rig), snapshotOf(rig), snapshotOf(rig)]
    await expect.poll(() => reads).toBe(1)
    await rig.close(barClosed(1))
    const late = snapshotOf(rig)
    await expect.poll(() => reads).toBe(2)
    gate.resolve()
    expect(await early[1]).toEqual(await early[0])
    expect((await late).decisions).toHaveLength(2)
    expect(reads).toBe(2)
  })

  async function playSession(memory: Memory) {
    await using rig = await startGateway(withBars(12), memory)
    for (let i = 0; i < 12; i += 1) await rig.close(barClosed(i))
    const live = await snapshotOf(rig)
    const ledger = memoryLedger(memory)
    const query = { symbol: 'USD/COP', limit: 600, before: undefined }
    const decisions = (await ledger.decisions(query, signal)).map(consoleDecision).toReversed()
    expect(live).toMatchObject({ decisions, bars: { length: 12 }, equity: { length: 12 } })
    expect(live.fills.length).toBeGreaterThan(0)
    expect(live.last).toMatchObject({
      now: barClosed(11).availableAt,
      bar: consoleBar(11),
      equity: live.equity.at(-1),
      account: {
        initialCash: 450_000_000,
        currency: 'COP',
        equity: live.equity.at(-1).equity,
        costsPaid: (live.fills as { costCop: number }[]).reduce((sum, one) => sum + one.costCop, 0),
        peakEquity: expect.any(Number),
        deepestDrawdown: expect.any(Number),
      },
    })
    expect(live.last.features).toHaveLength(15)
    return live
  }
})

describe('GET /console/events', () => {
  const listen = async (
    rig: Rig,
  ): Promise<{ stream: IncomingMessage; next: () => Promise<string> }> => {
    const url = await rig.app.listen({ port: 0, host: '127.0.0.1' })
    const request = get(`${url}/console/events`, { signal })
    const [stream] = (await once(request, 'response')) as [IncomingMessage]
    stream.setEncoding('utf8')
    let text = ''
    const next = async (): Promise<string> => {
      for (;;) {
        const end = text.indexOf('\n\n')
        if (end !== -1) {
          const event = text.slice(0, end)
          text = text.slice(end + 2)
          return event
        }
        const [chunk] = (await once(stream, 'data', { signal })) as [string]
        text += chunk
      }
    }
    return { stream, next }
  }
  const parse = (event: string) => {
    const [name, data] = event.split('\n')
    return { name: name?.replace('event: ', ''), data: JSON.parse(data!.replace('data: ', '')) }
  }

  test('begins with the status, then tells of every bar, and ends when the gateway closes', async () => {
    await using rig = await startGateway()
    const { stream, next } = await listen(rig)
    expect(await next()).toBe('retry: 1000')
    expect(parse(await next())).toMatchObject({ name: 'status', data: { mode: 'replay' } })
    for (const i of [0, 1]) {
      const event = next()
      await rig.close(barClosed(i))
      expect(parse(await event)).toMatchObject({
        name: 'tick',
        data: { bar: consoleBar(i), decision: { seq: expect.any(Number) } },
      })
    }
    const ended = once(stream, 'close', { signal })
    stream.resume()
    await rig.app.close()
    await ended
    expect(stream.complete).toBe(true)
  })

  test('lets a console go that does not read', async () => {
    const feed = new ConsoleFeed('USD/COP', rules.execution)
    const counts: number[] = []
    let change: (status: ConsoleStatus) => void = () => {}
    const status = {
      current: () => ({ ...idle, from: 'x'.repeat(4 * 1024 * 1024) }),
      subscribe: (onChange: (status: ConsoleStatus) => void) => {
        change = onChange
        return () => {}
      },
    }
    const streams = new EventStreams(feed, status, (open) => counts.push(open))
    const server = createServer((_request, response) => streams.add(response, {}))
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').pause()
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await expect.poll(() => counts).toEqual([1])
    for (let i = 0; i < 3; i += 1) change(idle)
    await expect.poll(() => counts).toEqual([1, 0])
    socket.destroy()
    streams.close()
    server.close()
  })

  test('keeps no place for a console that left while it was let in', async () => {
    const feed = new ConsoleFeed('USD/COP', rules.execution)
    const counts: number[] = []
    const status = { current: () => idle, subscribe: () => () => {} }
    const streams = new EventStreams(feed, status, (open) => counts.push(open))
    const handled = Promise.withResolvers<void>()
    const server = createServer((request, response) => {
      request.socket.destroy()
      response.once('close', () => {
        streams.add(response, {})
        handled.resolve()
      })
    })
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    socket.on('error', () => {}).write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await handled.promise
    expect(counts).toEqual([])
    streams.close()
    server.close()
  })

  test('refuses the sixty-fifth console', async () => {
    await using rig = await startGateway()
    const url = await rig.app.listen({ port: 0, host: '127.0.0.1' })
    const open = () =>
      once(get(`${url}/console/events`, { signal }), 'response') as Promise<[IncomingMessage]>
    const replies = await Promise.all(Array.from({ length: 65 }, open))
    const refused = replies.filter(([reply]) => reply.statusCode === 429)
    expect(refused).toHaveLength(1)
    for (const [reply] of replies) reply.destroy()
  })
})

const idle: ConsoleStatus = {
  mode: 'live',
  state: 'running',
  speed: null,
  now: 0,
  from: null,
  to: null,
  progress: null,
}

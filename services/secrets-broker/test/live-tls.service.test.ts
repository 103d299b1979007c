import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { Agent, request, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monotonicClock } from '@usdcop/vault/clock'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { keepTls, readTls, tellOfTls } from '../src/live-tls.ts'
import { tlsOptions } from '../src/tls.ts'
import { type Asked, ask } from './ask.ts'
import { type Authority, type Certified, makeAuthority } from './certificates.ts'
import { logLines, testBroker } from './test-broker.ts'

const NAMES = ['DNS:localhost', 'IP:127.0.0.1']

let authority: Authority
let another: Authority
let own: Certified
let alpha: Certified
beforeAll(async () => {
  authority = await makeAuthority()
  another = await makeAuthority('another authority')
  own = await authority.sign('broker', NAMES)
  alpha = await authority.sign('alpha', ['DNS:alpha'])
})
afterAll(async () => {
  await authority[Symbol.asyncDispose]()
  await another[Symbol.asyncDispose]()
})

/** A broker whose files a test writes anew; it looks at them twenty times a second. */
async function liveBroker() {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-live-tls-'))
  const names = { crt: own.cert, key: own.key, ca: authority.ca, crl: await authority.revoke() }
  for (const [name, text] of Object.entries(names)) await writeFile(join(folder, name), text)
  const at = (name: keyof typeof names) => join(folder, name)
  const paths = {
    certificateFile: at('crt'),
    keyFile: at('key'),
    clientCaFile: at('ca'),
    clientCrlFile: at('crl'),
  }
  const files = await readTls(paths, AbortSignal.timeout(5_000))
  const lines = logLines('info')
  const broker = testBroker({ tls: tlsOptions(files), lines })
  const tell = tellOfTls(broker.deps)
  const clock = {
    ...monotonicClock,
    sleep: (ms: number, signal: AbortSignal) => monotonicClock.sleep(ms / 100, signal),
  }
  const live = keepTls({
    server: broker.app.server as unknown as Server,
    paths,
    files,
    tell,
    clock,
  })
  const address = await broker.app.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    await live[Symbol.asyncDispose]()
    await broker.app.close()
    await rm(folder, { recursive: true })
  })
  const told = () =>
    lines.parsed().flatMap(({ msg }) => (/certificate files/.test(String(msg)) ? [msg] : []))
  /** Writes files, and waits until the broker has said what came of it. */
  async function change(changed: Partial<typeof names>): Promise<unknown> {
    const before = told().length
    for (const [name, text] of Object.entries(changed)) await writeFile(join(folder, name), text)
    await expect.poll(() => told().length, { timeout: 10_000 }).toBeGreaterThan(before)
    return told().at(-1)
  }
  return { ...broker, address, change, told }
}

/** Over one connection after the other, each kept for as long as the broker keeps it. */
function keptConnection(address: string, client: Certified, ca: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca, servername: '', ...client })
  onTestFinished(() => agent.destroy())
  return async () => {
    const sent = request(`${address}/v1/identity`, { method: 'POST', agent }).end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    await response.resume().toArray()
    return {
      status: response.statusCode,
      reused: sent.reusedSocket,
      connection: response.headers.connection,
    }
  }
}

const CHANGED = 'the certificate files have changed'
const UNUSABLE = 'new certificate files are of no use; those before stay'

test('a certificate of another authority is shown without a restart, and no request is lost meanwhile', async () => {
  const broker = await liveBroker()
  const renewed = await another.sign('broker', NAMES)
  const both = keptConnection(broker.address, alpha, authority.ca + another.ca)
  const asking = new AbortController()
  const statuses = new Set<unknown>()
  let answered = 0
  const asked = (async () => {
    for (; !asking.signal.aborted; answered += 1) statuses.add((await both()).status)
  })()
  const issue = (asked: Asked) =>
    ask(broker.address, '/v1/identity', { method: 'POST', client: alpha, ...asked })
  expect((await issue({ ca: authority.ca })).status).toBe(201)

  // One file after the other: in between they do not fit together.
  expect(await broker.change({ key: renewed.key })).toBe(UNUSABLE)
  expect((await issue({ ca: authority.ca })).status).toBe(201)
  expect(await broker.change({ crt: renewed.cert })).toBe(CHANGED)
  await expect(issue({ ca: authority.ca })).rejects.toThrow(/certificate/)
  expect((await issue({ ca: another.ca })).status).toBe(201)

  const before = answered
  await expect.poll(() => answered).toBeGreaterThan(before + 20)
  asking.abort()
  await asked
  expect([...statuses]).toEqual([201])
  expect(broker.told()).toEqual([UNUSABLE, CHANGED])
  const metrics = await broker.registry.metrics()
  const value = (name: string) => Number(new RegExp(`_${name}[^}]*} (.*)`).exec(metrics)?.[1])
  const end = new X509Certificate(renewed.cert).validToDate.getTime() / 1_000
  expect({
    unusable: value('certificate_file_events_total{state="unusable"'),
    changed: value('certificate_file_events_total{state="changed"'),
    end: value('certificate_end_seconds{certificate="secrets-broker"'),
  }).toEqual({ unusable: 1, changed: 1, end })
})

test('callers are judged by the authority and the withdrawals that the files hold now', async () => {
  const broker = await liveBroker()
  const issue = (client: Certified) =>
    ask(broker.address, '/v1/identity', { method: 'POST', ca: authority.ca, client })
  const foreign = await another.sign('alpha', ['DNS:alpha'])
  expect((await issue(foreign)).status).toBe(401)
  const lists = (await authority.revoke()) + (await another.revoke())
  expect(await broker.change({ crl: lists })).toBe(CHANGED)
  expect(await broker.change({ ca: authority.ca + another.ca })).toBe(CHANGED)
  expect([(await issue(foreign)).status, (await issue(alpha)).status]).toEqual([201, 201])

  const withdrawn = await authority.sign('withdrawn', ['DNS:alpha'])
  const kept = keptConnection(broker.address, withdrawn, authority.ca)
  await kept()
  expect(await kept()).toEqual({ status: 201, reused: true, connection: 'keep-alive' })
  expect(await broker.change({ crl: await authority.revoke('withdrawn') })).toBe(CHANGED)
  // A connection that was made before answers once more, and ends.
  expect(await kept()).toEqual({ status: 201, reused: true, connection: 'close' })
  expect(await kept()).toMatchObject({ status: 401, reused: false })
  expect([(await issue(foreign)).status, (await issue(alpha)).status]).toEqual([401, 201])
})

test('a file that cannot be read or is cut off leaves what was there before, and is told once', async () => {
  const broker = await liveBroker()
  const issue = () =>
    ask(broker.address, '/v1/identity', { method: 'POST', ca: authority.ca, client: alpha })
  for (const cut of [
    { ca: authority.ca.slice(0, -40) },
    { ca: authority.ca, crl: '' },
    { crl: 'x' },
  ]) {
    expect(await broker.change(cut)).toBe(UNUSABLE)
    expect((await issue()).status).toBe(201)
  }
  expect(broker.told()).toEqual([UNUSABLE, UNUSABLE, UNUSABLE])
})

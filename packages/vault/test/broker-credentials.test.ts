import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { RequestListener, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServiceError } from '@usdcop/service/errors'
import { expect, onTestFinished, test } from 'vitest'
import { type BrokerOptions, credentialFromBroker } from '../src/broker-credentials.ts'
import { Secret } from '../src/secret.ts'
import { startLocalServer } from './local-server.ts'
import { createSimulatedClock } from './simulated-clock.ts'

const { signal } = new AbortController()
const ISSUED = {
  roleId: 'a-role',
  wrappingToken: 'marker-wrapping',
  creationPath: 'auth/approle/role/materializer/secret-id',
  wrapTtlSeconds: 60,
}
const json = (response: ServerResponse, status: number, body: unknown, headers: object = {}) =>
  response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify(body))

async function brokerThat(answer: RequestListener, options: Partial<BrokerOptions> = {}) {
  const server = await startLocalServer(answer)
  const clock = createSimulatedClock()
  const token = new Secret('marker-token')
  const source = credentialFromBroker({
    address: server.address,
    token,
    clock,
    timeoutMs: 300,
    ...options,
  })
  onTestFinished(async () => {
    await source[Symbol.asyncDispose]?.()
    await server[Symbol.asyncDispose]()
  })
  return { source, server, clock }
}

const faultOf = (work: Promise<unknown>) =>
  work.then(
    () => {
      throw new Error('it was answered')
    },
    (error: ServiceError) => error,
  )

test('asks once for each login, and gives what was issued', async () => {
  let count = 0
  const { source, server } = await brokerThat((_request, response) => {
    count += 1
    json(response, 201, { ...ISSUED, wrappingToken: `wrapping-${count}` })
  })
  for (const expected of ['wrapping-1', 'wrapping-2']) {
    const credential = await source(signal)
    expect(credential).toMatchObject({ kind: 'wrapped', roleId: 'a-role', mount: 'approle' })
    const token = credential.kind === 'wrapped' ? credential.wrappingToken.reveal() : undefined
    expect(token).toBe(expected)
  }
  expect(server.received.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'POST /v1/identity',
    'POST /v1/identity',
  ])
})

test('the token may be a file that others write anew', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-broker-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'token')
  const shown: unknown[] = []
  const { source } = await brokerThat(
    (request, response) => {
      shown.push(request.headers.authorization)
      json(response, 201, ISSUED)
    },
    { token: { file } },
  )
  expect(await faultOf(source(signal))).toMatchObject({ code: 'config_invalid' })
  for (const text of ['first', 'second']) {
    await writeFile(file, `${text}\n`)
    await source(signal)
  }
  expect(shown).toEqual(['Bearer first', 'Bearer second'])
})

test.for([
  ['a caller that it does not know', 401, { error: { code: 'unauthenticated' } }, 'broker_refused'],
  ['a revoked caller', 403, { error: { code: 'forbidden' } }, 'broker_refused'],
  ['a redirect', 307, {}, 'broker_refused'],
  ['a sealed Vault', 503, { error: { code: 'vault_sealed' } }, 'vault_sealed'],
  ['a Vault that is away', 503, { error: { code: 'vault_unavailable' } }, 'vault_unavailable'],
  ['a fault of its own', 500, { error: { code: 'vault_refused' } }, 'broker_unavailable'],
  ['a load balancer', 502, 'marker', 'broker_unavailable'],
  ['no credential', 201, { hello: 'marker' }, 'broker_answer_invalid'],
  ['no text', 201, 'marker', 'broker_answer_invalid'],
  ['a climbing path', 201, { ...ISSUED, creationPath: 'auth/../sys' }, 'broker_answer_invalid'],
] as const)('tells %s, and repeats nothing', async ([, status, body, code]) => {
  const { source } = await brokerThat((_request, response) =>
    json(response, status, body, { location: 'http://127.0.0.1:1/' }),
  )
  const fault = await faultOf(source(signal))
  expect(fault.code).toBe(code)
  expect(`${fault.stack} ${JSON.stringify(fault)}`).not.toContain('marker')
  expect(fault.cause).toBeUndefined()
})

test('honours Retry-After', async () => {
  let limited = true
  const { source, server, clock } = await brokerThat((_request, response) =>
    limited ? json(response, 429, {}, { 'retry-after': '7' }) : json(response, 201, ISSUED),
  )
  expect((await faultOf(source(signal))).code).toBe('broker_unavailable')
  limited = false
  await clock.pass(6_900)
  expect((await faultOf(source(signal))).code).toBe('broker_unavailable')
  expect(server.received).toHaveLength(1)
  await clock.pass(200)
  expect(await source(signal)).toMatchObject({ kind: 'wrapped' })
})

test('one that is silent is given up in time, and is asked once a second whether it is back', async () => {
  let silent = true
  const { source, server, clock } = await brokerThat((request, response) => {
    if (request.url === '/readyz') response.writeHead(silent ? 503 : 200).end()
    else if (!silent) json(response, 201, ISSUED)
  })
  let ups = 0
  source.onUp?.(() => void (ups += 1))
  for (let attempt = 0; attempt < 2; attempt += 1)
    expect(await faultOf(source(signal))).toMatchObject({
      code: 'broker_unavailable',
      message: 'the secrets broker does not answer: nothing within 300 ms',
    })
  const before = server.received.length
  expect((await faultOf(source(signal))).code).toBe('broker_unavailable')
  expect(server.received).toHaveLength(before)
  const probes = () => server.received.filter(({ url }) => url === '/readyz').length
  const passSecond = async () => {
    const seen = probes()
    await clock.pass(1_000)
    await expect.poll(probes).toBe(seen + 1)
  }
  for (let second = 0; second < 3; second += 1) await passSecond()
  expect(ups).toBe(0)
  silent = false
  await expect
    .poll(async () => {
      await clock.pass(1_000)
      return ups
    })
    .toBe(1)
  expect(await source(signal)).toMatchObject({ kind: 'wrapped' })
})

test('a signal ends the wait with its own reason', async () => {
  const { source } = await brokerThat(() => {})
  const stop = new AbortController()
  const asked = source(stop.signal)
  stop.abort(new Error('enough'))
  await expect(asked).rejects.toThrow('enough')
})

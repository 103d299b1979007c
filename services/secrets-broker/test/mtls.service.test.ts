import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tlsOptions } from '../src/tls.ts'
import { type Asked, ask } from './ask.ts'
import { type Authority, type Certified, makeAuthority } from './certificates.ts'
import { bearer, type TestBroker, TOKENS, testBroker } from './test-broker.ts'

let authority: Authority
let stranger: Authority
let broker: TestBroker
let address: string
const clients = new Map<string, Certified>()
beforeAll(async () => {
  authority = await makeAuthority()
  stranger = await makeAuthority()
  const own = await authority.sign('broker', ['DNS:localhost', 'IP:127.0.0.1'])
  const sign = async (name: string, names: readonly string[], by = authority, subject?: string) =>
    clients.set(name, await by.sign(name, names, subject))
  await sign('alpha', ['DNS:alpha'])
  await sign('alpha-uri', ['URI:spiffe://usdcop/alpha'])
  await sign('beta', [])
  await sign('both', ['DNS:alpha'], authority, '/CN=beta')
  await sign('nobody', ['DNS:gamma'])
  await sign('withdrawn', ['DNS:alpha'])
  await sign('forged', ['DNS:alpha'], stranger)
  const clientCrl = await authority.revoke('withdrawn')
  const { cert: certificate, key } = own
  const tls = tlsOptions({ certificate, key, clientCa: authority.ca, clientCrl })
  broker = testBroker({ tls })
  address = await broker.app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await broker.app.close()
  await authority[Symbol.asyncDispose]()
  await stranger[Symbol.asyncDispose]()
})

const issue = (client: string | undefined, headers: Asked['headers'] = {}) =>
  ask(address, '/v1/identity', {
    method: 'POST',
    ca: authority.ca,
    headers,
    client: client === undefined ? undefined : clients.get(client),
  })

test.for([
  ['alpha', 'id-of-alpha-role'],
  ['alpha-uri', 'id-of-alpha-role'],
  ['beta', 'id-of-beta-role'],
] as const)('knows a caller by its certificate: %s', async ([client, roleId]) => {
  const answer = await issue(client)
  expect([answer.status, answer.body.roleId]).toEqual([201, roleId])
  expect(broker.lines.audits().at(-1)).toMatchObject({
    way: 'certificate',
    action: 'identity.issue',
    outcome: 'ok',
    remote: '127.0.0.1',
  })
})

test.for([
  ['none, and no token', undefined, {}],
  ['one of another authority', 'forged', {}],
  ['one that was revoked', 'withdrawn', {}],
  ['one of no known caller', 'nobody', {}],
  ['one that names two callers', 'both', {}],
  ['one of another authority, and a good token', 'forged', bearer(TOKENS.alpha)],
  ['one that was revoked, and a good token', 'withdrawn', bearer(TOKENS.alpha)],
  ['its own, and another caller’s token', 'alpha', bearer(TOKENS.beta)],
  ['its own, and a wrong token', 'alpha', bearer('wrong')],
] as const)('lets nobody in who shows %s', async ([, client, headers]) => {
  const before = broker.lines.audits().length
  const answer = await issue(client, headers)
  expect([answer.status, answer.body.error.code]).toEqual([401, 'unauthenticated'])
  expect(answer.text).not.toContain('wrapped')
  expect(broker.lines.audits().slice(before)).toMatchObject([
    { caller: 'unknown', outcome: 'unauthenticated' },
  ])
})

test('takes a token where no certificate is shown, and a certificate with its own token', async () => {
  expect((await issue(undefined, bearer(TOKENS.beta))).body.roleId).toBe('id-of-beta-role')
  expect((await issue('alpha', bearer(TOKENS.alpha))).body.roleId).toBe('id-of-alpha-role')
})

test('a wrong Host is refused whatever certificate is shown', async () => {
  const answer = await issue('alpha', { host: 'evil.example' })
  expect([answer.status, answer.body.error.code]).toEqual([403, 'host_refused'])
})

test('does not speak plain HTTP, nor TLS before 1.2', async () => {
  await expect(ask(address.replace('https:', 'http:'), '/livez')).rejects.toThrow('socket hang up')
  const { port } = broker.app.server.address() as AddressInfo
  const old = connect({
    port,
    host: '127.0.0.1',
    ca: authority.ca,
    // Or the client itself would not.
    ciphers: 'DEFAULT@SECLEVEL=0',
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
  })
  const [error] = (await once(old, 'error')) as [Error]
  expect(error.message).toMatch(/alert protocol version/)
})

test.for(['TLSv1.2', 'TLSv1.3'] as const)('resumes no session under %s', async (version) => {
  const { port } = broker.app.server.address() as AddressInfo
  const options = {
    port,
    host: '127.0.0.1',
    ca: authority.ca,
    minVersion: version,
    maxVersion: version,
    ...clients.get('alpha'),
  }
  const first = connect(options)
  const sessions: Buffer[] = []
  first.on('session', (session) => sessions.push(session))
  await once(first, 'secureConnect')
  first.write('GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
  first.resume()
  await once(first, 'close')
  const session = sessions.at(-1) ?? first.getSession()
  const second = connect({ ...options, ...(session !== undefined && { session }) })
  await once(second, 'secureConnect')
  expect(second.isSessionReused()).toBe(false)
  second.destroy()
})

test('a connection keeps the certificate that it began with: it is never renegotiated', async () => {
  const { port } = broker.app.server.address() as AddressInfo
  const shown = { ca: authority.ca, ...clients.get('alpha') }
  const socket = connect({ port, host: '127.0.0.1', maxVersion: 'TLSv1.2', ...shown })
  await once(socket, 'secureConnect')
  const { promise: outcome, resolve } = Promise.withResolvers<string>()
  socket.on('error', (error) => resolve(error.message))
  socket.renegotiate({}, (error) => resolve(error?.message ?? 'renegotiated'))
  socket.write('GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n')
  expect(await outcome).toContain('no renegotiation')
  socket.destroy()
})

import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  apiKeysSchema,
  assertMayBind,
  createKeyring,
  digestOf,
  guardReads,
  isNamed,
  requireRole,
} from '../src/auth.ts'
import { renderError } from '../src/error-renderer.ts'

const keyring = createKeyring([
  { name: 'grafana', role: 'reader', sha256: digestOf('r-token') },
  { name: 'feed', role: 'writer', sha256: digestOf('w-token') },
  { name: 'ops', role: 'admin', sha256: digestOf('a-token') },
])

async function ask(guard: ReturnType<typeof requireRole>, authorization?: string, host?: string) {
  await using app = Fastify()
  app.setErrorHandler(renderError)
  app.get('/', { onRequest: guard }, () => 'in')
  const answer = await app.inject({
    url: '/',
    headers: {
      ...(authorization === undefined ? {} : { authorization }),
      ...(host === undefined ? {} : { host }),
    },
  })
  return {
    status: answer.statusCode,
    challenge: answer.headers['www-authenticate'],
    body: answer.body,
  }
}

test.for([
  { name: 'no token', header: undefined, status: 401 },
  { name: 'another scheme', header: 'Basic dzp0', status: 401 },
  { name: 'an unknown token', header: 'Bearer nobody', status: 401 },
  { name: 'an empty token', header: 'Bearer ', status: 401 },
  { name: 'a digest in place of the token', header: `Bearer ${digestOf('w-token')}`, status: 401 },
  { name: 'a role below', header: 'Bearer r-token', status: 403 },
  { name: 'the role itself', header: 'Bearer w-token', status: 200 },
  { name: 'a role above', header: 'bearer a-token', status: 200 },
])('answers $status to $name on a route for writers', async ({ header, status }) => {
  const answer = await ask(requireRole(keyring, 'writer'), header)
  expect(answer.status).toBe(status)
  expect(answer.challenge).toBe(status === 401 ? 'Bearer' : undefined)
  expect(answer.body).not.toContain('token-')
})

test('leaves reads open on loopback and asks for a reader beyond it', async () => {
  expect((await ask(guardReads(keyring, '127.0.0.1'))).status).toBe(200)
  expect((await ask(guardReads(keyring, '0.0.0.0'))).status).toBe(401)
  expect((await ask(guardReads(keyring, '0.0.0.0'), 'Bearer r-token')).status).toBe(200)
})

test('refuses reads on loopback under a name that somebody else gave it', async () => {
  const guard = guardReads(keyring, '127.0.0.2')
  expect((await ask(guard, undefined, 'rebound.example:6566')).status).toBe(403)
  expect((await ask(guard, undefined, '127.0.0.2:6566')).status).toBe(200)
  expect((await ask(guard, undefined, 'rebound.example:6566')).status).toBe(403)
})

test('refuses to bind beyond loopback without a key', () => {
  expect(() => assertMayBind('0.0.0.0', createKeyring([]))).toThrow(
    expect.objectContaining({ code: 'config_invalid' }),
  )
  expect(() => assertMayBind('0.0.0.0', keyring)).not.toThrow()
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost'])
    expect(() => assertMayBind(host, createKeyring([]))).not.toThrow()
})

test('reads keys from one variable and refuses a malformed entry', () => {
  const sha256 = digestOf('x')
  const Env = z.object({ API_KEYS: apiKeysSchema })
  expect(Env.parse({ API_KEYS: `feed:writer:${sha256}, ops:admin:${sha256}` }).API_KEYS).toEqual([
    { name: 'feed', role: 'writer', sha256 },
    { name: 'ops', role: 'admin', sha256 },
  ])
  expect(Env.parse({}).API_KEYS).toEqual([])
  expect(Env.safeParse({ API_KEYS: `feed:owner:${sha256}` }).success).toBe(false)
})

test('reads the names that an entry is narrowed to, and refuses what it does not know', () => {
  const sha256 = digestOf('x')
  const parse = (rights: string) => apiKeysSchema.safeParse(`feed:writer:${sha256}:${rights}`)
  expect(parse('read=stats|driver_*;write=stats').data).toEqual([
    { name: 'feed', role: 'writer', sha256, read: ['stats', 'driver_*'], write: ['stats'] },
  ])
  expect(parse('write=*').data).toEqual([{ name: 'feed', role: 'writer', sha256, write: ['*'] }])
  const wrong = ['', 'read=', 'own=stats', 'read=a;read=b', 'read=a|', 'read=a;', 'stats']
  expect(wrong.filter((rights) => parse(rights).success)).toEqual([])
})

test.for([
  { pattern: 'stats', name: 'stats', fits: true },
  { pattern: 'stats', name: 'stats2', fits: false },
  { pattern: '*', name: '', fits: true },
  { pattern: 'driver_*', name: 'driver_stats', fits: true },
  { pattern: 'driver_*', name: 'a_driver_stats', fits: false },
  { pattern: '*_stats', name: 'driver_stats', fits: true },
  { pattern: 'a*b*c', name: 'a-b-c', fits: true },
  { pattern: 'a*b*c', name: 'a-c', fits: false },
  { pattern: 'a*a', name: 'a', fits: false },
  { pattern: 'a*b*b', name: 'ab', fits: false },
  { pattern: 'a**b', name: 'ab', fits: true },
])('$pattern names $name: $fits', ({ pattern, name, fits }) => {
  expect(isNamed([pattern], name)).toBe(fits)
  expect(isNamed(['other', pattern], name)).toBe(fits)
  expect(isNamed(undefined, name)).toBe(true)
  expect(isNamed([], name)).toBe(false)
})

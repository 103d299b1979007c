import type { Permission } from '@usdcop/feast/registry/definitions'
import { createRegistry } from '@usdcop/feast/registry/registry'
import { apiKeysSchema, createKeyring, digestOf } from '@usdcop/service/auth'
import { createOidcReader } from '@usdcop/service/oidc'
import {
  type IdentityProvider,
  startIdentityProvider,
} from '@usdcop/tests/support/identity-provider'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askFor, DEMO, demo, detailIn, post, row } from './demo.ts'
import { temporaryStore, testApp } from './feature-server.ts'

const write = (view: string, token?: string) =>
  post('/write-to-online-store', { feature_view_name: view, df: row(view) }, token)
const read = (view: string, token?: string) =>
  post('/get-online-features', askFor(`${view}:${view}_rate`), token)
const readService = (token?: string) =>
  post('/get-online-features', { entities: { driver_id: [1] }, feature_service: 'both' }, token)
const pushTo = (to: string, token?: string) =>
  post('/push', { push_source_name: 'stats_push', df: row('stats'), to }, token)

/** Whether Feast's SDK raises its permission error from a reply. */
const refusalOf = ({ statusCode, body }: { statusCode: number; body: string }): boolean =>
  statusCode === 403 && detailIn(body).class === 'FeastPermissionError'

describe('keys narrowed to views', () => {
  const entry = (name: string, role: string, rights: string) =>
    `${name}:${role}:${digestOf(name)}:${rights}`
  const keyring = createKeyring(
    apiKeysSchema.parse(
      [
        entry('narrow', 'writer', 'read=stats;write=tr*'),
        entry('half', 'reader', 'read=stats'),
      ].join(),
    ),
  )
  const store = temporaryStore('demo')
  const app = testApp({ registry: demo, store, keyring, bindHost: '0.0.0.0' })
  afterAll(async () => {
    await app.close()
    await store[Symbol.asyncDispose]()
  })

  test.for([
    { name: 'reads its view', request: read('stats', 'narrow'), status: 200 },
    { name: 'does not read another', request: read('trips', 'narrow'), status: 403 },
    {
      name: 'does not read a service that spans another',
      request: readService('narrow'),
      status: 403,
    },
    { name: 'writes its view', request: write('trips', 'narrow'), status: 200 },
    { name: 'does not write another', request: write('stats', 'narrow'), status: 403 },
    { name: 'does not push to another', request: pushTo('online', 'narrow'), status: 403 },
    { name: 'does not push history of another', request: pushTo('offline', 'narrow'), status: 403 },
    {
      name: 'does not materialize another',
      request: post(
        '/materialize-incremental',
        { end_ts: '2025-01-01', feature_views: ['stats'] },
        'narrow',
      ),
      status: 403,
    },
    {
      name: 'does not materialize all',
      request: post('/materialize-incremental', { end_ts: '2025-01-01' }, 'narrow'),
      status: 403,
    },
    { name: 'of a reader does not write', request: write('stats', 'half'), status: 403 },
    { name: 'that nobody knows is refused', request: read('stats', 'other'), status: 401 },
  ])('one $name', async ({ request, status }) => {
    // Twice: the second decision is remembered.
    for (const _ of [1, 2]) {
      const reply = await app.inject(request)
      expect([reply.statusCode, refusalOf(reply)]).toEqual([status, status === 403])
    }
  })
})

describe('tokens of an OpenID Connect provider', () => {
  const store = temporaryStore('demo')
  let provider: IdentityProvider
  beforeAll(async () => {
    provider = await startIdentityProvider()
  })
  afterAll(async () => {
    await provider[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
  })
  const appWith = (permissions: readonly Permission[], keyring = createKeyring([])) =>
    testApp({
      registry: createRegistry({ ...DEMO, permissions }),
      store,
      keyring,
      readToken: createOidcReader({
        discoveryUrl: provider.discoveryUrl,
        clientId: 'feast',
        audience: undefined,
        issuer: undefined,
        verifySsl: true,
        ca: undefined,
      }),
    })
  const permission = (given: Partial<Permission>): Permission => ({
    name: 'p',
    types: [],
    namePatterns: [],
    requiredTags: {},
    actions: ['READ_ONLINE'],
    roles: ['r'],
    groups: [],
    tags: {},
    ...given,
  })
  const ann = () => provider.token({ preferred_username: 'ann', roles: ['r'], groups: ['g'] })

  test('every route asks for one, on loopback too; health and metrics do not', async () => {
    await using app = appWith([])
    for (const request of [read('stats'), write('stats'), pushTo('online')])
      expect((await app.inject(request)).statusCode).toBe(401)
    const bad = await app.inject(read('stats', 'not.a.token'))
    expect([bad.statusCode, bad.body]).toEqual([
      401,
      '{"detail":"Invalid or expired access token"}',
    ])
    for (const url of ['/health', '/metrics', '/openapi.json'])
      expect((await app.inject(url)).statusCode).toBe(200)
  })

  test("those between Feast's own servers, which nobody signed, are refused", async () => {
    await using app = appWith([])
    const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url')
    const token = `${part({ alg: 'none', typ: 'JWT' })}.${part({ preferred_username: 'intra' })}.`
    expect((await app.inject(read('stats', token))).statusCode).toBe(401)
  })

  test('without any permission written down, whoever has one may do everything', async () => {
    await using app = appWith([])
    for (const request of [read('stats', ann()), readService(ann()), write('trips', ann())])
      expect((await app.inject(request)).statusCode).toBe(200)
  })

  test.for<{ name: string; given: Partial<Permission>; allowed: boolean }>([
    { name: 'of every type and name', given: {}, allowed: true },
    { name: 'of its type', given: { types: ['FeatureView'] }, allowed: true },
    { name: 'of another type', given: { types: ['FeatureService'] }, allowed: false },
    {
      name: 'of a kind of view that we have not',
      given: { types: ['StreamFeatureView', 'BatchFeatureView'] },
      allowed: false,
    },
    { name: 'of a matching name', given: { namePatterns: ['x', 'sta.s'] }, allowed: true },
    { name: 'of a name that only begins so', given: { namePatterns: ['stat'] }, allowed: false },
    { name: "of Python's named groups", given: { namePatterns: ['(?P<n>st)ats'] }, allowed: true },
    { name: 'of a pattern nobody can read', given: { namePatterns: ['(?x'] }, allowed: false },
    { name: 'of a matching tag', given: { requiredTags: { team: 'stats' } }, allowed: true },
    { name: 'of another tag', given: { requiredTags: { team: 'trips' } }, allowed: false },
    { name: 'for another action', given: { actions: ['WRITE_ONLINE'] }, allowed: false },
    { name: 'for another role', given: { roles: ['s'] }, allowed: false },
    { name: 'for a group', given: { roles: [], groups: ['f', 'g'] }, allowed: true },
    { name: 'for nobody', given: { roles: [] }, allowed: false },
  ])('a permission $name lets her read: $allowed', async ({ given, allowed }) => {
    await using app = appWith([permission(given)])
    const reply = await app.inject(read('stats', ann()))
    expect([reply.statusCode, refusalOf(reply)]).toEqual([allowed ? 200 : 403, !allowed])
  })

  test('one permission that grants is enough, and each push needs all of its actions', async () => {
    await using app = appWith([
      permission({ roles: ['s'] }),
      permission({ actions: ['READ_ONLINE', 'WRITE_ONLINE'], types: ['FeatureView'] }),
    ])
    expect((await app.inject(read('stats', ann()))).statusCode).toBe(200)
    expect((await app.inject(pushTo('online', ann()))).statusCode).toBe(200)
    expect((await app.inject(pushTo('offline', ann()))).statusCode).toBe(403)
    expect((await app.inject(pushTo('online_and_offline', ann()))).statusCode).toBe(403)
  })

  test('a service is read by its own permission, whatever its views say', async () => {
    await using app = appWith([permission({ types: ['FeatureService'], namePatterns: ['both'] })])
    expect((await app.inject(readService(ann()))).statusCode).toBe(200)
    expect((await app.inject(read('stats', ann()))).statusCode).toBe(403)
  })

  test('a provider that is away is 503, and its keys stay good for those known', async () => {
    await using app = appWith([])
    const known = ann()
    expect((await app.inject(read('stats', known))).statusCode).toBe(200)
    await using other = appWith([])
    provider.broken = true
    expect((await other.inject(read('stats', ann()))).statusCode).toBe(503)
    expect((await app.inject(read('stats', known))).statusCode).toBe(200)
    provider.broken = false
    expect((await other.inject(read('stats', ann()))).statusCode).toBe(200)
  })

  test('API keys work beside it', async () => {
    const keyring = createKeyring([{ name: 'k', role: 'writer', sha256: digestOf('key') }])
    await using app = appWith([permission({ roles: [] })], keyring)
    expect((await app.inject(write('stats', 'key'))).statusCode).toBe(200)
  })
})

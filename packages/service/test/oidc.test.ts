import {
  type IdentityProvider,
  startIdentityProvider,
} from '@usdcop/tests/support/identity-provider'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createOidcReader, type OidcSettings } from '../src/oidc.ts'

const secondsFromNow = (seconds: number) => Math.floor(Date.now() / 1_000) + seconds

describe('a token of an OpenID Connect provider', () => {
  let provider: IdentityProvider
  beforeAll(async () => {
    provider = await startIdentityProvider()
  })
  afterAll(async () => await provider[Symbol.asyncDispose]())
  const readerOf = (settings: Partial<OidcSettings> = {}) =>
    createOidcReader({
      discoveryUrl: provider.discoveryUrl,
      clientId: 'feast',
      audience: undefined,
      issuer: undefined,
      verifySsl: true,
      ca: undefined,
      ...settings,
    })

  test.for([
    {
      name: 'of Keycloak',
      claims: {
        preferred_username: 'ann',
        sub: 'u-1',
        resource_access: { feast: { roles: ['r'] } },
      },
      user: { name: 'ann', roles: ['r'], groups: [] },
    },
    {
      name: 'of Entra ID',
      claims: { preferred_username: null, upn: 'ben@x', roles: ['a', 'a', 7], groups: ['g'] },
      user: { name: 'ben@x', roles: ['a'], groups: ['g'] },
    },
    {
      name: 'of both shapes',
      claims: { azp: 'app', resource_access: { feast: { roles: ['r', 's'] } }, roles: ['s', 't'] },
      user: { name: 'app', roles: ['r', 's', 't'], groups: [] },
    },
    {
      name: 'with claims of other shapes',
      claims: { sub: 'u-1', resource_access: { feast: 'r' }, roles: 'admin', groups: { a: 1 } },
      user: { name: 'u-1', roles: [], groups: [] },
    },
  ])('tells whose it is: $name', async ({ claims, user }) => {
    expect(await readerOf()(provider.token(claims))).toEqual(user)
  })

  test('gives no roles of a client to a server that names none', async () => {
    const token = provider.token({ sub: 'u', resource_access: { undefined: { roles: ['r'] } } })
    expect(await readerOf({ clientId: undefined })(token)).toMatchObject({ roles: [] })
  })

  const refused: { name: string; make: () => string; settings?: Partial<OidcSettings> }[] = [
    { name: 'that names nobody', make: () => provider.token({ roles: ['r'] }) },
    { name: 'past its end', make: () => provider.token({ sub: 'u', exp: secondsFromNow(-11) }) },
    { name: 'before its start', make: () => provider.token({ sub: 'u', nbf: secondsFromNow(60) }) },
    {
      name: 'for others',
      make: () => provider.token({ sub: 'u', aud: 'x' }),
      settings: { audience: 'y' },
    },
    { name: 'for nobody', make: () => provider.token({ sub: 'u' }), settings: { audience: 'y' } },
    {
      name: 'of another issuer',
      make: () => provider.token({ sub: 'u' }),
      settings: { issuer: 'z' },
    },
    { name: 'of an unknown key', make: () => provider.token({ sub: 'u' }, { kid: 'made-up' }) },
    { name: 'without a signature', make: () => `${unsigned()}.` },
    {
      name: 'signed with the public key',
      make: () => provider.token({ sub: 'u' }, { alg: 'HS256' }),
    },
    { name: 'changed on the way', make: () => tampered(provider.token({ sub: 'u' })) },
    { name: 'that is no token', make: () => 'three.little.words' },
    { name: 'that is empty', make: () => '' },
  ]
  test.for(refused)('is refused: one $name', async ({ make, settings = {} }) => {
    await expect(readerOf(settings)(make())).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  test('is taken with ten seconds of leeway and for the audience it names', async () => {
    const token = provider.token({ sub: 'u', exp: secondsFromNow(-5), aud: ['x', 'y'] })
    const read = readerOf({ audience: 'y', issuer: provider.issuer })
    expect(await read(token)).toMatchObject({ name: 'u' })
  })
})

test('reads discovery and keys once for many tokens', async () => {
  await using provider = await startIdentityProvider()
  const read = readerAt(provider)
  const tokens = Array.from({ length: 20 }, (_, index) => provider.token({ sub: `u-${index}` }))
  const users = await Promise.all(tokens.map(read))
  expect(users.map(({ name }) => name)).toEqual(tokens.map((_, index) => `u-${index}`))
  expect(provider.asked).toEqual(['/.well-known/openid-configuration', '/keys'])
})

test('reads the keys again once they are too old, and then refuses the ones withdrawn', async () => {
  await using provider = await startIdentityProvider()
  const read = createOidcReader({ ...settingsAt(provider), jwksCacheMs: 0 })
  const old = provider.token({ sub: 'u' })
  expect(await read(old)).toMatchObject({ name: 'u' })
  provider.rotate()
  expect(await read(provider.token({ sub: 'v' }))).toMatchObject({ name: 'v' })
  await expect(read(old)).rejects.toMatchObject({ code: 'unauthenticated' })
})

test('says that the provider is away, and asks it again at the next token', async () => {
  await using provider = await startIdentityProvider()
  const read = readerAt(provider)
  const token = provider.token({ sub: 'u' })
  provider.broken = true
  await expect(read(token)).rejects.toMatchObject({ code: 'identity_unavailable', status: 503 })
  provider.broken = false
  expect(await read(token)).toMatchObject({ name: 'u' })
})

function settingsAt({ discoveryUrl }: IdentityProvider): OidcSettings {
  const open = { clientId: undefined, audience: undefined, issuer: undefined }
  return { discoveryUrl, ...open, verifySsl: true, ca: undefined }
}

function readerAt(provider: IdentityProvider) {
  return createOidcReader(settingsAt(provider))
}

function unsigned(): string {
  return [{ alg: 'none' }, { sub: 'u' }]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
}

function tampered(token: string): string {
  const [header, , signature] = token.split('.')
  return `${header}.${Buffer.from('{"sub":"root"}').toString('base64url')}.${signature}`
}

import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify } from 'jose'
import { ServiceError } from './errors.ts'
import { getJson } from './get-json.ts'

export interface OidcSettings {
  /** Address of the provider's `.well-known/openid-configuration`. */
  readonly discoveryUrl: string
  /** Whose roles are read from `resource_access.<client>.roles`. */
  readonly clientId: string | undefined
  /** Checked only where given, as in Feast: a provider may write another one than it tells. */
  readonly audience: string | undefined
  readonly issuer: string | undefined
  readonly verifySsl: boolean
  /** PEM certificates to trust instead of the system's. */
  readonly ca: string | undefined
  /** How long read keys are good for; it bounds how long a withdrawn key still signs. */
  readonly jwksCacheMs?: number
  readonly timeoutMs?: number
}

export interface OidcUser {
  readonly name: string
  readonly roles: readonly string[]
  readonly groups: readonly string[]
}

const JWKS_CACHE_MS = 300_000
const TIMEOUT_MS = 10_000
/** A made-up key id makes us ask the provider at most that often. */
const COOLDOWN_MS = 5_000
const CLOCK_TOLERANCE_SECONDS = 10

/**
 * Tells whose access token it is, as Feast reads one: RS256 only, with ten seconds of leeway, name and
 * roles from the claims of Keycloak and of Entra ID.
 * @throws ServiceError `unauthenticated` for a token that does not hold, `identity_unavailable` while
 *   the provider does not answer
 */
export function createOidcReader(settings: OidcSettings): (token: string) => Promise<OidcUser> {
  const { audience, issuer, clientId, jwksCacheMs, timeoutMs = TIMEOUT_MS } = settings
  const from = { ca: settings.ca, verify: settings.verifySsl, timeoutMs }
  let keys: ReturnType<typeof openKeys> | undefined

  async function openKeys() {
    const document = (await getJson(settings.discoveryUrl, from)) as { jwks_uri?: unknown } | null
    const address = typeof document?.jwks_uri === 'string' ? document.jwks_uri : ''
    if (!URL.canParse(address))
      throw new ServiceError('identity_unavailable', 'the discovery document names no jwks_uri')
    return createRemoteJWKSet(new URL(address), {
      cacheMaxAge: jwksCacheMs ?? JWKS_CACHE_MS,
      cooldownDuration: COOLDOWN_MS,
      [customFetch]: async (url) => Response.json(await getJson(url, from)),
    })
  }

  return async (token) => {
    keys ??= openKeys()
    const opened = keys
    const keySet = await opened.catch((error: unknown) => {
      // The next caller asks again; whoever asked together is told together.
      if (keys === opened) keys = undefined
      throw error
    })
    const { payload } = await jwtVerify(token, keySet, {
      algorithms: ['RS256'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      ...(audience !== undefined && { audience }),
      ...(issuer !== undefined && { issuer }),
    }).catch((cause: unknown) => {
      throw faultOf(cause)
    })
    return userOf(payload, clientId)
  }
}

function faultOf(cause: unknown): unknown {
  if (cause instanceof errors.JWKSInvalid || cause instanceof errors.JWKSTimeout)
    return new ServiceError('identity_unavailable', 'the provider has no usable keys', { cause })
  if (cause instanceof errors.JOSEError || cause instanceof TypeError)
    return new ServiceError('unauthenticated', 'the bearer token does not hold', { cause })
  return cause
}

const NAME_CLAIMS = ['preferred_username', 'upn', 'azp', 'appid', 'sub']

function userOf(claims: JWTPayload, clientId: string | undefined): OidcUser {
  const name = NAME_CLAIMS.map((claim) => claims[claim]).find((value) => typeof value === 'string')
  if (name === undefined) throw new ServiceError('unauthenticated', 'the bearer token names nobody')
  const ofClient =
    clientId === undefined ? [] : textsAt(claims, ['resource_access', clientId, 'roles'])
  return {
    name,
    roles: [...new Set([...ofClient, ...textsAt(claims, ['roles'])])],
    groups: textsAt(claims, ['groups']),
  }
}

function textsAt(claims: JWTPayload, path: readonly string[]): readonly string[] {
  let node: unknown = claims
  for (const key of path)
    node =
      typeof node === 'object' && node !== null && Object.hasOwn(node, key)
        ? (node as Record<string, unknown>)[key]
        : undefined
  return Array.isArray(node) ? node.filter((item) => typeof item === 'string') : []
}

import { createHash } from 'node:crypto'
import type { FeatureView, Registry } from '@usdcop/feast/registry/definitions'
import type { FeatureRequest, Plan } from '@usdcop/feast/serving/plan'
import {
  type ApiKey,
  assertRole,
  bearerOf,
  type Guard,
  isLoopback,
  isNamed,
  type Keyring,
} from '@usdcop/service/auth'
import { ServiceError } from '@usdcop/service/errors'
import { hostAssertion, LOOPBACK_NAMES } from '@usdcop/service/host-check'
import type { OidcUser } from '@usdcop/service/oidc'
import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { type Action, type Identity, resourcesRead } from './identity.ts'
import { feastUser } from './permissions.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; null before a guard has looked, and for reads that are open to everybody. */
    identity: Identity | null
  }
}

export interface AccessOptions {
  readonly keyring: Keyring
  /** Whose an OpenID Connect token is; undefined where no provider is set up. */
  readonly readToken?: ((token: string) => Promise<OidcUser>) | undefined
  readonly bindHost: string
}

/** Who may do what here. Guards are `onRequest` hooks; the assertions need what the body names. */
export interface Access {
  readonly guardReads: Guard | onRequestHookHandler
  readonly guardWrites: Guard
  /** `/metrics`: open on loopback whatever is set up for the features. */
  readonly guardMetrics: Guard
  /** @throws ServiceError `forbidden` */
  assertMayRead(request: FastifyRequest, asked: FeatureRequest, plan: Plan): void
  /** @throws ServiceError `forbidden` */
  assertMayWrite(
    request: FastifyRequest,
    registry: Registry,
    views: readonly FeatureView[],
    actions: readonly Action[],
  ): void
}

/** A token that was read is not read again for so long: a signature costs more than an answer. */
const REMEMBER_MS = 60_000
const MAX_REMEMBERED = 10_000

export function createAccess({ keyring, readToken, bindHost }: AccessOptions): Access {
  const identify = createIdentifier(keyring, readToken)
  const assertHost = hostAssertion([...LOOPBACK_NAMES, bindHost])
  const guard =
    (role: 'reader' | 'writer'): Guard =>
    async (request) => {
      request.identity = await identify(bearerOf(request), role)
    }
  // With a promise for each request the check would cost more than it does.
  const open: onRequestHookHandler = (request, _reply, done) => {
    assertHost(request)
    done()
  }
  // A decision holds as long as its plan, and a plan as long as the definitions it was made of.
  const granted = new WeakMap<Identity, WeakSet<Plan>>()
  return {
    guardReads: readToken === undefined && isLoopback(bindHost) ? open : guard('reader'),
    guardWrites: guard('writer'),
    guardMetrics: isLoopback(bindHost) ? async (request) => assertHost(request) : guard('reader'),
    assertMayRead({ identity }, asked, plan) {
      if (identity === null) return
      let plans = granted.get(identity)
      if (plans?.has(plan)) return
      const { registry } = plan
      for (const resource of resourcesRead(registry, asked, identity.readsServicesByView))
        assertNotRefused(identity.refusal(['READ_ONLINE'], resource, registry.permissions))
      if (plans === undefined) {
        plans = new WeakSet()
        granted.set(identity, plans)
      }
      plans.add(plan)
    },
    assertMayWrite({ identity }, registry, views, actions) {
      if (identity === null) throw new ServiceError('unauthenticated', 'a bearer token is needed')
      for (const { name, tags } of views) {
        const resource = { type: 'FeatureView', name, tags } as const
        assertNotRefused(identity.refusal(actions, resource, registry.permissions))
      }
    },
  }
}

function assertNotRefused(refusal: string | undefined): void {
  if (refusal !== undefined) throw new ServiceError('forbidden', `Permission error:\n${refusal}`)
}

type Identifier = (token: string, role: 'reader' | 'writer') => Promise<Identity>

function createIdentifier(keyring: Keyring, readToken: AccessOptions['readToken']): Identifier {
  const ofKeys = new Map<ApiKey, Identity>()
  const ofTokens = new Map<string, { readonly identity: Identity; readonly until: number }>()
  return async (token, role) => {
    const key = keyring.find(token)
    if (key !== undefined) {
      assertRole(key, role)
      const known = ofKeys.get(key) ?? keyIdentity(key)
      ofKeys.set(key, known)
      return known
    }
    if (readToken === undefined)
      throw new ServiceError('unauthenticated', 'the bearer token is not known')
    const digest = createHash('sha256').update(token).digest('base64')
    const remembered = ofTokens.get(digest)
    if (remembered !== undefined && remembered.until > Date.now()) return remembered.identity
    const identity = feastUser(await readToken(token))
    if (ofTokens.size >= MAX_REMEMBERED) ofTokens.clear()
    ofTokens.set(digest, { identity, until: untilOf(token) })
    return identity
  }
}

/** Never beyond the end that the token, found good before, names itself. */
function untilOf(token: string): number {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    exp?: unknown
  }
  const end = typeof claims.exp === 'number' ? claims.exp * 1_000 : Number.POSITIVE_INFINITY
  return Math.min(Date.now() + REMEMBER_MS, end)
}

function keyIdentity({ name, read, write }: ApiKey): Identity {
  return {
    name,
    readsServicesByView: true,
    refusal(actions, resource) {
      const refused = actions.find(
        (action) => !isNamed(action === 'READ_ONLINE' ? read : write, resource.name),
      )
      return refused && `The key ${name} may not ${refused} ${resource.name}`
    },
  }
}

import { ServiceError } from '@usdcop/service/errors'
import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { createAuthenticate } from './authenticate.ts'
import type { CallerSecrets } from './caller-secrets.ts'
import { type Caller, type Callers, UNKNOWN } from './callers.ts'
import { createLimiter, type Limiter, type RateLimit } from './rate-limit.ts'
import { toldOf } from './told.ts'

export interface Limits {
  /** Requests of each caller; of all that are not known together. */
  readonly requests: RateLimit
  /** Secret ids of each caller. */
  readonly identities: RateLimit
}

export interface AdmissionOptions {
  readonly callers: Callers
  readonly revocations: Pick<CallerSecrets, 'isRevoked'>
  readonly limits: Limits
  /** Monotonic, milliseconds. */
  readonly now: () => number
}

const ADMITTED = Symbol('admitted')

declare module 'fastify' {
  interface FastifyRequest {
    [ADMITTED]?: Caller
  }
}

/** Who comes in: known, not revoked, and not too often. */
export interface Admission {
  /** An `onRequest` hook. */
  readonly admit: onRequestHookHandler
  callerOf(request: FastifyRequest): Caller
  /** @throws ServiceError `too_many_requests` */
  countIdentity(caller: Caller): void
  /** @throws ServiceError `forbidden` once it is revoked */
  assertServed(caller: Caller): void
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { callers, revocations, limits, now } = options
  const authenticate = createAuthenticate(callers)
  const requests = createLimiter(limits.requests, now)
  const identities = createLimiter(limits.identities, now)

  function assertServed(caller: Caller): void {
    if (revocations.isRevoked(caller))
      throw new ServiceError('forbidden', 'this caller is revoked until an operator restores it')
  }

  return {
    admit(request, _reply, done) {
      const { caller, way } = whoAsks(request)
      const told = toldOf(request)
      told.caller = caller.name
      told.way = way
      count(requests, caller.name)
      assertServed(caller)
      request[ADMITTED] = caller
      done()
    },
    callerOf(request) {
      const caller = request[ADMITTED]
      if (caller === undefined) throw new ServiceError('unauthenticated', 'nobody is known to ask')
      return caller
    },
    countIdentity: ({ name }) => count(identities, name),
    assertServed,
  }

  function whoAsks(request: FastifyRequest) {
    try {
      return authenticate(request)
    } catch (error) {
      // Guessing has a limit of its own, and uses up nobody else's.
      count(requests, UNKNOWN)
      throw error
    }
  }
}

function count(limiter: Limiter, name: string): void {
  const retryAfterSeconds = limiter(name)
  if (retryAfterSeconds > 0)
    throw new ServiceError('too_many_requests', 'this caller asks too often', {
      details: { retryAfterSeconds },
    })
}

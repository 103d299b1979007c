import type { Identity } from '@usdcop/vault/identity'
import { BROKER } from '../callers.ts'
import type { RedisRotationSettings } from '../config.ts'
import { connectAcl } from './acl.ts'
import { followReturns } from './returns.ts'
import { createRedisRotation, type RedisRotation, type RotationEvent } from './rotation.ts'

/** Where the password of the user that rotates stands. */
const OWN = { path: `services/${BROKER}`, field: 'redis_rotor_password' } as const

export function redisRotationOf(
  settings: RedisRotationSettings,
  deps: {
    readonly identity: Identity
    readonly mount: string
    readonly tell: (event: RotationEvent) => void
  },
): RedisRotation {
  const { clock, random } = deps.identity.server
  const { path, periodMs, graceMs } = settings
  const withAcl = connectAcl(settings)
  const when = { clock, random, now: () => Date.now(), periodMs, graceMs }
  const returns = followReturns(settings, clock)
  return createRedisRotation({ ...deps, ...when, path, own: OWN, withAcl, followReturns: returns })
}

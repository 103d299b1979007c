import { randomBytes } from 'node:crypto'
import { ServiceError } from '@usdcop/service/errors'
import type { Clock } from '@usdcop/vault/clock'
import { isConnectivity } from '@usdcop/vault/faults'
import type { Identity } from '@usdcop/vault/identity'
import { type KvSecret, readSecret, writeSecret } from '@usdcop/vault/kv'
import { retryDelayMs } from '@usdcop/vault/renewal'
import { Secret } from '@usdcop/vault/secret'
import type { Acl, WithAcl } from './acl.ts'
import { type AclPlan, type Leftovers, type PasswordHash, passwordHash, planAcl } from './plan.ts'
import type { FollowReturns } from './returns.ts'

export interface RedisRotationOptions {
  /** May read both secrets, and write the one that is rotated. */
  readonly identity: Identity
  readonly withAcl: WithAcl
  readonly followReturns: FollowReturns
  /** Of KV, version 2. */
  readonly mount: string
  /** What is rotated: `password`, and `user` where it is not `default`. */
  readonly path: string
  /** Where the password of the user that rotates stands, and under which name. */
  readonly own: { readonly path: string; readonly field: string }
  /** 0 rotates only when told. */
  readonly periodMs: number
  /** How long a password that was replaced is accepted still. */
  readonly graceMs: number
  readonly clock: Clock
  readonly random: () => number
  /** Epoch milliseconds, to compare with what Vault says. */
  readonly now: () => number
  readonly tell: (event: RotationEvent) => void
}

/** Without values. */
export type RotationEvent =
  | {
      readonly kind: 'rotation'
      readonly asked: boolean
      readonly outcome: Outcome
      readonly version?: number
    }
  /** `changed` where Redis did not accept Vault’s password, or still accepted one that is out of use. */
  | { readonly kind: 'reconciliation'; readonly outcome: Outcome; readonly changed: boolean }

export type Outcome = 'ok' | ServiceError['code']

export interface Rotated {
  /** Of the secret. */
  readonly version: number
  /** By Redis, until the grace is over. */
  readonly passwordsAccepted: number
}

/**
 * Rotates the password of one user of one Redis, and holds Redis to what Vault says meanwhile: at start, each half minute, when a
 * grace is over, and as soon as Redis is there again: it may have come back with an older file. It keeps no state that matters: a
 * process that was killed anywhere is mended by the next one.
 *
 * A rotation: Redis accepts another password and has it on disk; then Vault’s secret is that one, unless somebody else has
 * written it meanwhile; then the old one goes, after its grace. So at each instant Redis accepts what Vault says.
 */
export interface RedisRotation extends AsyncDisposable {
  readonly path: string
  /**
   * Now. Whoever asks during one is told of that one.
   * @throws ServiceError `conflict` where somebody has written another password, which then is the one in use; `store_unavailable`
   *   and what Vault answers
   */
  rotate(): Promise<Rotated>
  /** Undefined before it has looked. */
  passwordsAccepted(): number | undefined
  msSinceRotation(): number | undefined
}

interface Mended {
  readonly changed: boolean
  readonly accepted: ReadonlySet<PasswordHash>
}

const RECONCILE_EVERY_MS = 30_000
const AFTER_FAILED_ROTATION_MS = 60_000

export function createRedisRotation(options: RedisRotationOptions): RedisRotation {
  const { identity, withAcl, mount, path, own, graceMs, periodMs, clock, random, now } = options
  const ending = new AbortController()
  /** Work that has begun goes on: each of its requests has a limit of its own. */
  const working = new AbortController().signal
  let leftovers: Leftovers = new Map()
  let saved = false
  let accepted: number | undefined
  let writtenAt: number | undefined
  let nextAt = Infinity
  let failures = 0
  let mayRotateAt = -Infinity
  let nudge = new AbortController()
  /** Since the last look began. */
  let returned = false
  let rotating: Promise<Rotated> | undefined
  /** One thing at a time. */
  let busy: Promise<unknown> = Promise.resolve()

  const wake = () => {
    nudge.abort()
    nudge = new AbortController()
  }
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const done = busy.then(work)
    busy = done.catch(() => {})
    return done
  }

  async function open<T>(work: (acl: Acl, secret: KvSecret) => Promise<T>): Promise<T> {
    const { fields } = await readSecret(identity, { mount, path: own.path }, working)
    const password = fields.get(own.field)
    if (password === undefined)
      throw new ServiceError('secret_absent', `${own.path} has no field ${own.field}`)
    return withAcl(password, async (acl) =>
      work(acl, await readSecret(identity, { mount, path }, working)),
    )
  }

  /** Makes Redis accept what the secret says, and no more than that and what has a grace left. */
  async function mend(acl: Acl, secret: KvSecret): Promise<Mended> {
    const user = userOf(secret)
    const current = passwordHash(passwordOf(secret, path))
    const held = await acl.accepted(user)
    const plan = planAcl({ current, accepted: held, leftovers, now: clock.now(), graceMs })
    const changes = plan.add || plan.remove.length > 0
    saved &&= !changes
    if (plan.add) await acl.accept(user, current)
    for (const hash of plan.remove) await acl.refuse(user, hash)
    // Also at start: whoever was here before may have been killed before it was saved.
    if (!saved) await acl.save()
    saved = true
    note(plan, secret.createdAt.getTime())
    return { changed: changes, accepted: new Set([current, ...plan.leftovers.keys()]) }
  }

  function note(plan: Pick<AclPlan, 'leftovers' | 'nextAt'>, at: number): void {
    leftovers = plan.leftovers
    nextAt = plan.nextAt
    accepted = 1 + plan.leftovers.size
    writtenAt = at
  }

  async function reconcile(): Promise<void> {
    try {
      const { changed } = await open(mend)
      options.tell({ kind: 'reconciliation', outcome: 'ok', changed })
    } catch (error) {
      options.tell({ kind: 'reconciliation', outcome: codeOf(error), changed: false })
      throw error
    }
  }

  async function rotateNow(asked: boolean): Promise<Rotated> {
    try {
      const version = await open(replace)
      options.tell({ kind: 'rotation', asked, outcome: 'ok', version })
      return { version, passwordsAccepted: accepted ?? 1 }
    } catch (error) {
      mayRotateAt = clock.now() + AFTER_FAILED_ROTATION_MS * (1 + random())
      options.tell({ kind: 'rotation', asked, outcome: codeOf(error) })
      throw error
    } finally {
      wake()
    }
  }

  async function replace(acl: Acl, secret: KvSecret): Promise<number> {
    const before = await mend(acl, secret)
    const user = userOf(secret)
    const password = new Secret(randomBytes(32).toString('base64url'))
    const current = passwordHash(password)
    saved = false
    await acl.accept(user, current)
    await acl.save()
    saved = true
    const fields = { ...Object.fromEntries(secret.fields), password }
    const write = { mount, path, fields, expected: secret.version }
    const version = await writeSecret(identity, write, working).catch(async (error: unknown) => {
      // Where nobody has answered it may be written all the same: the next look says so.
      if (!isConnectivity(error)) {
        saved = false
        await acl.refuse(user, current)
        await mend(acl, await readSecret(identity, { mount, path }, working))
      }
      throw error
    })
    const held = new Set([current, ...before.accepted])
    const state = { current, accepted: held, leftovers, now: clock.now(), graceMs }
    note(planAcl(state), now())
    return version
  }

  function rotate(asked: boolean): Promise<Rotated> {
    rotating ??= alone(() => rotateNow(asked)).finally(() => {
      rotating = undefined
    })
    return rotating
  }

  const isDue = () =>
    periodMs > 0 &&
    writtenAt !== undefined &&
    now() - writtenAt >= periodMs &&
    clock.now() >= mayRotateAt

  async function run(): Promise<void> {
    while (!ending.signal.aborted) {
      returned = false
      try {
        await alone(reconcile)
        if (isDue()) await rotate(false)
        failures = 0
      } catch {
        // It has been told, and comes again.
        failures += 1
      }
      const awake = AbortSignal.any([ending.signal, nudge.signal])
      await clock.sleep(Math.min(pauseMs(), RECONCILE_EVERY_MS), awake).catch(() => {})
    }
  }

  /** A leftover whose grace is over waits for nobody, but for the pause after a failure. */
  function pauseMs(): number {
    if (returned) return 0
    return failures === 0 ? Math.max(0, nextAt - clock.now()) : retryDelayMs(failures, random())
  }

  const running = run()
  const following = options.followReturns(() => {
    returned = true
    // Those were of a Redis that was away.
    failures = 0
    wake()
  })

  return {
    path,
    rotate: () => rotate(true),
    passwordsAccepted: () => accepted,
    msSinceRotation: () => (writtenAt === undefined ? undefined : Math.max(0, now() - writtenAt)),
    async [Symbol.asyncDispose]() {
      ending.abort()
      await following[Symbol.asyncDispose]()
      await running
      await busy
    },
  }
}

function userOf({ fields }: KvSecret): string {
  return fields.get('user')?.reveal() ?? 'default'
}

function passwordOf({ fields }: KvSecret, path: string): Secret {
  const password = fields.get('password')
  if (password === undefined) throw new ServiceError('secret_absent', `${path} has no password`)
  return password
}

function codeOf(error: unknown): ServiceError['code'] {
  return error instanceof ServiceError ? error.code : 'internal'
}

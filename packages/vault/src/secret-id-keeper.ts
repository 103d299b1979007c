import { ServiceError } from '@usdcop/service/errors'
import type { SecretIdState } from './events.ts'
import type { Identity } from './identity.ts'
import type { IdentityFolder } from './identity-folder.ts'
import {
  destroySecretId,
  lookUpSecretId,
  makeSuccessor,
  proveSecretId,
  type SecretIdFacts,
} from './own-secret-id.ts'
import { AFTER_REFUSALS_MS, retryDelayMs } from './renewal.ts'
import type { Secret } from './secret.ts'

export interface SecretIdKeeperOptions {
  /** Logs in with what the folder holds; its policy lets it make, look up and destroy secret ids of its own role. */
  readonly identity: Identity
  readonly folder: IdentityFolder
  /** Epoch milliseconds, to compare with what Vault says. */
  readonly now?: () => number
  /** How often the folder is looked into for a new wrapped secret id. */
  readonly lookEveryMs?: number
}

/**
 * Keeps a secret id that is good for many logins fresh, without hands:
 *
 * - A wrapped one that somebody has put into the folder is taken at once, by another login.
 * - At half of its life, a tenth of that earlier or later by chance, it gets a successor, as long and as narrow: made, kept as
 *   `next`, proven by a login, swapped; then the old one is destroyed. The files say at any moment how far that is, so a
 *   process that was killed goes on where it was. Killed between Vault's answer and the file it leaves one secret id
 *   that nobody knows, which ends by itself.
 * - Failures come again after 1, 2, 4 … seconds, at most 5 minutes, and after Vault's return at once; a successor that Vault has
 *   refused is thrown away, and the next one waits so long that the role is not locked.
 */
export interface SecretIdKeeper extends AsyncDisposable {
  /** What is left of the secret id in use; 0 where it is not known. */
  msLeft(): number
}

const LOOK_EVERY_MS = 2_000

export function createSecretIdKeeper(options: SecretIdKeeperOptions): SecretIdKeeper {
  const { identity, folder, now = Date.now, lookEveryMs = LOOK_EVERY_MS } = options
  const { role } = folder
  const { clock, random, observe, availability } = identity.server
  const client = identity.server.clientOf(identity.name)
  const ending = new AbortController()
  const { signal } = ending
  let known: { readonly secretId: Secret; readonly facts?: SecretIdFacts } | undefined
  let dueAt = Infinity
  let takenAt: number | undefined
  let failures = 0
  let retryAt = -Infinity

  const tell = (state: SecretIdState) =>
    observe({ kind: 'secret_id', identity: identity.name, state })
  const stopListening = availability.onUp(() => {
    retryAt = Math.min(retryAt, clock.now() + random() * 1_000)
  })

  async function run(): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(lookEveryMs, signal).catch(() => {})
      try {
        if (!signal.aborted) await look()
      } catch (error) {
        if (signal.aborted) return
        failures += 1
        const refused = error instanceof ServiceError && error.code === 'vault_login_refused'
        const delayMs = refused
          ? AFTER_REFUSALS_MS * (1 + random() / 10)
          : retryDelayMs(failures, random())
        retryAt = clock.now() + delayMs
        tell(refused ? 'refused' : 'failed')
      }
    }
  }

  async function look(): Promise<void> {
    const wrappedAt = await folder.wrappedAt()
    // Once for each: what becomes of it the login decides, in its own time.
    if (wrappedAt !== takenAt && wrappedAt !== undefined)
      void identity.logInAgain(signal).catch(() => {})
    takenAt = wrappedAt
    if (wrappedAt !== undefined || identity.tokenMsLeft() <= 0) return
    if (!availability.up || clock.now() < retryAt) return
    await tidy()
    await learn()
    const next = await successor()
    if (next !== undefined) await adopt(next)
    failures = 0
  }

  /** What the one in use is; Vault is asked once for each. */
  async function learn(): Promise<void> {
    const secretId = await folder.read('current')
    if (secretId === undefined) {
      known = undefined
      return
    }
    if (known?.secretId.equals(secretId) === true) return
    const facts = await lookUpSecretId(identity, { role, secretId }, signal)
    known = facts === undefined ? { secretId } : { secretId, facts }
    dueAt = facts === undefined ? Infinity : rotationDueAt(facts, random())
  }

  /** The one that was begun, or another one where it is time; undefined where it is not. */
  async function successor(): Promise<Secret | undefined> {
    const begun = await folder.read('next')
    if (begun !== undefined) {
      if (await lookUpSecretId(identity, { role, secretId: begun }, signal)) return begun
      await folder.drop('next')
    }
    if (known?.facts === undefined || now() < dueAt) return undefined
    const next = await makeSuccessor(identity, { role, of: known.facts }, signal)
    await folder.write('next', next)
    return next
  }

  async function adopt(next: Secret): Promise<void> {
    const roleId = await folder.roleId()
    if (roleId === undefined) return
    try {
      await proveSecretId(client, { roleId, secretId: next }, signal)
    } catch (error) {
      // It is no good, and must not be shown again.
      if (error instanceof ServiceError && error.code === 'vault_login_refused') {
        await folder.write('retired', next)
        await folder.drop('next')
      }
      throw error
    }
    await folder.swap()
    tell('rotated')
    await learn()
    await tidy()
  }

  /** Destroys what a swap has put out of use. */
  async function tidy(): Promise<void> {
    const retired = await folder.read('retired')
    if (retired === undefined) return
    const current = await folder.read('current')
    // The swap itself was not reached: it is in use still.
    if (current?.equals(retired) !== true) {
      await destroySecretId(identity, { role, secretId: retired }, signal)
      tell('destroyed')
    }
    await folder.drop('retired')
  }

  const running = run()

  return {
    msLeft: () => Math.max(0, (known?.facts?.expiresAt ?? 0) - now()),
    async [Symbol.asyncDispose]() {
      stopListening()
      ending.abort()
      await running
    },
  }
}

/**
 * Half of its life, a tenth of that earlier or later; never where it does not end.
 * @param chance from 0 to 1
 * @returns epoch milliseconds, by Vault's clock
 */
export function rotationDueAt(
  { createdAt, expiresAt }: Pick<SecretIdFacts, 'createdAt' | 'expiresAt'>,
  chance: number,
): number {
  const halfMs = (expiresAt - createdAt) / 2
  return createdAt + halfMs * (0.9 + 0.2 * chance)
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { Lifecycle } from '@usdcop/service/lifecycle'
import type { LiveKeyring } from '@usdcop/service/live-keyring'
import type { Logger } from '@usdcop/service/log'
import type { Identity } from '@usdcop/vault/identity'
import { type WatchedAddress, type WatchedSecret, watchSecret } from '@usdcop/vault/watched-secret'

export interface OperatorsOptions {
  /** The broker's own. */
  readonly identity: Identity
  /** Of the secret whose field `api_keys` says who they are. */
  readonly at: WatchedAddress
  readonly keyring: LiveKeyring
  readonly life: Lifecycle
  readonly logger: Logger
}

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 5_000

/**
 * Takes operators' keys from Vault from now on. It waits for nobody: callers are served before any operator is known, and
 * while Vault is still being made ready. A secret that is denied or gone lets no operator in any more.
 */
export function watchOperators({ identity, at, keyring, life, logger }: OperatorsOptions): void {
  const { signal } = life
  let watched: WatchedSecret | undefined
  async function run(): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs *= 2) {
      try {
        watched = await watchSecret(
          identity,
          at,
          (news) => {
            if (news.kind === 'withdrawn') keyring.empty()
            else keyring.take(news.secret.fields.get('api_keys')?.reveal())
          },
          signal,
        )
        return
      } catch (error) {
        if (signal.aborted) return
        logger.warn({ err: error }, 'no operators are known yet; trying again')
        await sleep(Math.min(pauseMs, LONGEST_PAUSE_MS), undefined, { signal }).catch(() => {})
      }
    }
  }
  const running = run()
  life.onClose('keys of operators', async () => {
    await running
    await watched?.[Symbol.asyncDispose]()
  })
}

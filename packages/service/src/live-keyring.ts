import { Counter, Gauge, type Registry } from 'prom-client'
import { type ApiKey, createKeyring, type Keyring, parseApiKeys } from './auth.ts'
import { ServiceError } from './errors.ts'
import type { Logger } from './log.ts'

/** A keyring whose keys may change while requests come in. */
export interface LiveKeyring extends Keyring {
  /**
   * From now on the keys of a text, as `API_KEYS` gives them, are known and no others. A text that cannot be read changes
   * nothing: it is logged and counted, without a word of it.
   * @returns whether it could be read
   */
  take(text: string | undefined): boolean
  /** From now on nobody is known. */
  empty(): void
}

export interface LiveKeyringOptions {
  readonly keys: readonly ApiKey[]
  readonly logger: Logger
  readonly registry: Registry
}

export function createLiveKeyring({ keys, logger, registry }: LiveKeyringOptions): LiveKeyring {
  let known = keys
  let current = createKeyring(keys)
  const faults = new Counter({
    name: 'usdcop_api_keys_unreadable_total',
    help: 'Changes of the API keys that could not be read; the ones before stay in use.',
    registers: [registry],
  })
  new Gauge({
    name: 'usdcop_api_keys',
    help: 'API keys that are known now.',
    registers: [registry],
    collect() {
      this.set(current.size)
    },
  })

  function replace(next: readonly ApiKey[]): void {
    const [before, after] = [known.map(nameOf), next.map(nameOf)]
    known = next
    current = createKeyring(next)
    const added = after.filter((name) => !before.includes(name))
    const removed = before.filter((name) => !after.includes(name))
    logger.info({ added, removed, keys: next.length }, 'the API keys have changed')
  }

  return {
    get size() {
      return current.size
    },
    find: (token) => current.find(token),
    take(text) {
      let next: readonly ApiKey[]
      try {
        if (text === undefined) throw new ServiceError('config_invalid', 'there is no text')
        next = parseApiKeys(text)
      } catch (error) {
        faults.inc()
        logger.error({ err: error }, 'the new API keys cannot be read; the ones before stay in use')
        return false
      }
      replace(next)
      return true
    },
    empty: () => replace([]),
  }
}

function nameOf({ name }: ApiKey): string {
  return name
}

import { X509Certificate } from 'node:crypto'
import { ServiceError } from '@usdcop/service/errors'
import { type Clock, monotonicClock } from './clock.ts'
import { textOfFile } from './credential-sources.ts'
import { type Observe, observeNothing } from './events.ts'
import { untilAborted } from './until-aborted.ts'

/** Whose signature is trusted, as a file has it now. */
export interface Authority {
  /** PEM certificates. The file is looked at once a second at most; while it is of no use, what it had before stays. */
  pem(signal: AbortSignal): Promise<string>
}

export interface AuthorityOptions {
  readonly signal: AbortSignal
  /** Told of another authority, and once of a file that is of no use. */
  readonly observe?: Observe
  readonly clock?: Clock
}

const LOOK_EVERY_MS = 1_000
const READ_WITHIN_MS = 5_000

/** @throws ServiceError `config_invalid` where the file cannot be read, or is not certificates alone */
export async function openAuthority(
  file: string,
  { signal, observe = observeNothing, clock = monotonicClock }: AuthorityOptions,
): Promise<Authority> {
  let known = await certificatesOf(file, signal)
  let lookedAt = clock.now()
  let unusable = false
  let looking: Promise<void> | undefined

  async function look(): Promise<void> {
    lookedAt = clock.now()
    try {
      const found = await certificatesOf(file, AbortSignal.timeout(READ_WITHIN_MS))
      if (found !== known) observe({ kind: 'authority', file, state: 'changed' })
      known = found
      unusable = false
    } catch {
      if (!unusable) observe({ kind: 'authority', file, state: 'unusable' })
      unusable = true
    }
  }

  return {
    async pem(until) {
      if (looking === undefined && clock.now() - lookedAt >= LOOK_EVERY_MS)
        looking = look().finally(() => {
          looking = undefined
        })
      if (looking !== undefined) await untilAborted(looking, until)
      return known
    },
  }
}

async function certificatesOf(file: string, signal: AbortSignal): Promise<string> {
  const text = await textOfFile(file, signal)
  assertCertificates(file, text)
  return text
}

const ONE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * TLS ignores what it cannot read, and would trust nobody then.
 * @throws ServiceError `config_invalid` where a certificate is not whole, or there is none
 */
export function assertCertificates(file: string, pem: string): void {
  const whole = pem.match(ONE) ?? []
  const begun = pem.split('-----BEGIN ').length - 1
  if (whole.length === 0 || whole.length !== begun || !whole.every(isCertificate))
    throw new ServiceError('config_invalid', `${file} is no file of whole PEM certificates`)
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}

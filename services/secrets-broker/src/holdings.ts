import { X509Certificate } from 'node:crypto'
import { ServiceError } from '@usdcop/service/errors'
import { Gauge, type Registry } from 'prom-client'
import type { CallerSecrets } from './caller-secrets.ts'
import type { Issuer } from './issuer.ts'
import type { TlsFiles } from './tls.ts'

export interface Held {
  readonly issuer: Pick<Issuer, 'msLeft'>
  readonly secrets: Pick<CallerSecrets, 'holds'>
  readonly files: TlsFiles | undefined
  /** Epoch milliseconds: what certificates are dated by. */
  readonly wallNow: () => number
}

/** Metrics of what the broker has given out and of what it holds, asked at each scrape. */
export function watchHoldings(registry: Registry, held: Held): void {
  const { issuer, secrets, files, wallNow } = held
  const gauge = (
    name: string,
    label: string,
    help: string,
    values: () => Iterable<readonly [string, number]>,
  ) =>
    new Gauge({
      name: `usdcop_secrets_broker_${name}`,
      help,
      labelNames: [label],
      registers: [registry],
      collect() {
        this.reset()
        for (const [of, value] of values()) this.set({ [label]: of }, value)
      },
    })
  gauge(
    'secret_id_seconds_left',
    'caller',
    'What is left of the newest secret id that a caller was given, used or not; 0 once it has ended.',
    () => [...issuer.msLeft()].map(([name, ms]) => [name, ms / 1_000]),
  )
  gauge(
    'kept_secrets',
    'identity',
    'Secrets in memory for a caller, also those that only stand in while Vault does not answer.',
    () => [...secrets.holds()].map(([name, { secrets: count }]) => [name, count]),
  )
  gauge(
    'oldest_kept_secret_seconds',
    'identity',
    'Since the oldest secret in memory for a caller was read.',
    () => [...secrets.holds()].map(([name, { oldestMs }]) => [name, oldestMs / 1_000]),
  )
  const ends = new Map(
    Object.entries({ server: files?.certificate, client_ca: files?.clientCa }).flatMap(
      ([name, pem]) => (pem === undefined ? [] : [[name, endOf(pem)] as const]),
    ),
  )
  gauge(
    'certificate_seconds_left',
    'certificate',
    'Until the first certificate of a file ends: of the server’s own, of the authority for callers; below 0 once it has.',
    () => [...ends].map(([name, end]) => [name, (end - wallNow()) / 1_000]),
  )
}

/** Epoch milliseconds at which the first of a file's certificates ends. */
function endOf(pem: string): number {
  const texts = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  try {
    return Math.min(...texts.map((text) => new X509Certificate(text).validToDate.getTime()))
  } catch (error) {
    throw new ServiceError('config_invalid', 'a file of certificates cannot be read', {
      cause: error,
    })
  }
}

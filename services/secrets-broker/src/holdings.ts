import { Gauge, type Registry } from 'prom-client'
import type { CallerSecrets } from './caller-secrets.ts'
import type { Issuer } from './issuer.ts'

export interface Held {
  readonly issuer: Pick<Issuer, 'msLeft'>
  readonly secrets: Pick<CallerSecrets, 'holds'>
}

/** Metrics of what the broker has given out and of what it holds, asked at each scrape. */
export function watchHoldings(registry: Registry, held: Held): void {
  const { issuer, secrets } = held
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
    'caller_secret_id_seconds_left',
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
}

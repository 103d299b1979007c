import { askJson } from './http.ts'

export interface Alert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly updatedAt: string
  readonly receivers: readonly { readonly name: string }[]
}

/** The newest state of the alert that always fires. Throws where it has not come since `since`. */
export async function watchdogSince(since: number, signal: AbortSignal): Promise<Alert> {
  const alerts = await askJson<readonly Alert[]>('alertmanager', '/api/v2/alerts', {}, signal)
  const found = alerts.find(({ labels }) => labels['alertname'] === 'Watchdog')
  if (found === undefined)
    throw new Error(`Alertmanager knows ${alerts.length} alerts, no Watchdog`)
  if (Date.parse(found.updatedAt) < since)
    throw new Error(`Watchdog came last at ${found.updatedAt}`)
  return found
}

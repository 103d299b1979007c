import { describe, expect, test } from 'vitest'
import { watchdogSince } from './support/alertmanager.ts'
import { eventually } from './support/eventually.ts'
import { ask, askJson } from './support/http.ts'

/** Prometheus sends an alert that fires again each minute and a bit. */
const PATIENCE_MS = 180_000

describe('Alertmanager', { timeout: 2 * PATIENCE_MS }, () => {
  test('is healthy, and its configuration stands', async ({ signal }) => {
    expect(await ask('alertmanager', '/-/healthy', {}, signal)).toMatchObject({ status: 200 })
    const status = await askJson<object>('alertmanager', '/api/v2/status', {}, signal)
    expect(status).toMatchObject({ config: { original: expect.stringContaining('Watchdog') } })
  })

  test('hears the Watchdog from Prometheus, for a receiver of its own', async ({ signal }) => {
    const watchdog = await eventually(
      'the Watchdog to come to Alertmanager',
      (until) => watchdogSince(0, until),
      { signal, withinMs: PATIENCE_MS },
    )
    expect(watchdog.receivers).toHaveLength(1)
    expect(Object.keys(watchdog.annotations)).toEqual(
      expect.arrayContaining(['summary', 'description', 'runbook_url']),
    )
  })

  test('shows nobody the address of a webhook', async ({ signal }) => {
    const { text } = await ask('alertmanager', '/api/v2/status', {}, signal)
    expect(text).not.toContain('hooks.slack.com/services/')
  })
})

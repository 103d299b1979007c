import { describe, expect, test } from 'vitest'
import { absentServices } from './absent.ts'
import { eventually } from './support/eventually.ts'
import { readText, stackEnvironment } from './support/given.ts'
import { ask, askJson } from './support/http.ts'
import { activeTargets, positive } from './support/prometheus.ts'

/** Four scrapes, and the first evaluation of the rules behind them. */
const PATIENCE_MS = 90_000

describe('Prometheus', { timeout: 2 * PATIENCE_MS }, () => {
  test('is healthy', async ({ signal }) => {
    expect(await ask('prometheus', '/-/healthy', {}, signal)).toMatchObject({ status: 200 })
  })

  test('scrapes a target of every job, and each of them is up', async ({ signal }) => {
    const absent = absentServices({ ...stackEnvironment(), ...process.env })
    const config = readText('config/prometheus/prometheus.yml')
    const jobs = [...config.matchAll(/^ +- job_name: (?<job>\S+)/gm)]
      .map(({ groups }) => groups?.['job'] ?? '')
      .filter((job) => !absent.includes(job))
    expect(jobs.length).toBeGreaterThan(5)
    const targets = await eventually(
      'every job to have a target that is up',
      async (until) => {
        const found = await activeTargets(until)
        const silent = jobs.filter((job) => !found.some(({ scrapePool }) => scrapePool === job))
        if (silent.length > 0) throw new Error(`no target of ${silent.join(', ')}`)
        const down = found.filter(({ health }) => health !== 'up')
        if (down.length > 0)
          throw new Error(down.map((one) => `${one.scrapeUrl}: ${one.lastError}`).join('; '))
        return found
      },
      { signal, withinMs: PATIENCE_MS },
    )
    expect(new Set(targets.map(({ scrapePool }) => scrapePool))).toEqual(new Set(jobs))
  })

  test.for([
    { what: 'decisions of the gateway', promql: 'sum(rate(usdcop_gateway_decisions_total[5m]))' },
    {
      what: 'bars the materializer took',
      promql: 'sum(rate(usdcop_materializer_bars_accepted_total[5m]))',
    },
    { what: 'features served', promql: 'sum(rate(feast_online_features_request_total[5m]))' },
    ...['inference-gateway', 'feature-server', 'materializer'].map((service) => ({
      what: `requests in the spans of ${service}`,
      promql: `traces_span_metrics_calls_total{service_name="${service}"}`,
    })),
  ])('counts the $what', async ({ what, promql }, { signal }) => {
    const rate = await eventually(what, (until) => positive(promql, until), {
      signal,
      withinMs: PATIENCE_MS,
    })
    expect(rate).toBeGreaterThan(0)
  })

  test('evaluates every rule without an error', async ({ signal }) => {
    const rules = await eventually(
      'every rule to be evaluated',
      async (until) => {
        const { data } = await askJson<{ data: { groups: { rules: Rule[] }[] } }>(
          'prometheus',
          '/api/v1/rules',
          {},
          until,
        )
        const all = data.groups.flatMap((group) => group.rules)
        const ill = all.filter(({ health }) => health !== 'ok')
        if (all.length === 0) throw new Error('there are no rules')
        if (ill.length > 0)
          throw new Error(
            ill.map((one) => `${one.name}: ${one.health} ${one.lastError}`).join('; '),
          )
        return all
      },
      { signal, withinMs: PATIENCE_MS },
    )
    expect(
      rules.filter(({ name, state }) => name === 'Watchdog' && state === 'firing'),
    ).toHaveLength(1)
  })
})

interface Rule {
  readonly name: string
  readonly health: string
  readonly lastError?: string
  readonly state?: string
}

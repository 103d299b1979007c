import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { root } from './files.ts'
import { promqlFaults } from './queries.ts'

const rule = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z.string().optional(),
  keep_firing_for: z.string().optional(),
  labels: z.strictObject({ severity: z.enum(['page', 'ticket', 'none']) }),
  annotations: z.strictObject({
    summary: z.string().min(10),
    description: z.string().min(20),
    runbook_url: z.string(),
  }),
})

export const rulesFile = z.strictObject({
  groups: z.array(z.strictObject({ name: z.string(), rules: z.array(rule) })),
})
export type RulesFile = z.infer<typeof rulesFile>

/** Of a promtool test file what says which alert is expected to fire. */
export const rulesTest = z.object({
  tests: z.array(
    z.object({
      alert_rule_test: z.array(
        z.object({ alertname: z.string(), exp_alerts: z.array(z.unknown()) }),
      ),
    }),
  ),
})
export type RulesTest = z.infer<typeof rulesTest>

/** Alerts that nobody can act on, that ask for metrics nobody makes, or that no test has seen fire. */
export function ruleFaults(
  file: RulesFile,
  tests: readonly RulesTest[],
  metrics: ReadonlySet<string>,
): readonly string[] {
  const fired = new Set(
    tests
      .flatMap((one) => one.tests.flatMap((test) => test.alert_rule_test))
      .filter(({ exp_alerts }) => exp_alerts.length > 0)
      .map(({ alertname }) => alertname),
  )
  return file.groups
    .flatMap(({ rules }) => rules)
    .flatMap(({ alert, expr, annotations: { runbook_url } }) => [
      ...promqlFaults(expr, metrics),
      ...(runbook_url === `docs/runbooks/${alert}.md` ? [] : [`${alert}: another alert's runbook`]),
      ...(existsSync(join(root, runbook_url)) ? [] : [`${alert}: there is no ${runbook_url}`]),
      ...(fired.has(alert) ? [] : [`${alert}: no test sees it fire`]),
    ])
}

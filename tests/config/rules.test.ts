import { expect, test } from 'vitest'
import { namesIn, readYaml } from './support/files.ts'
import { metricNames } from './support/metric-names.ts'
import { type RulesFile, ruleFaults, rulesFile, rulesTest } from './support/rules.ts'

const folder = 'config/prometheus/rules'
const files = namesIn(folder, '.yml').map((name) => rulesFile.parse(readYaml(`${folder}/${name}`)))
const tests = namesIn(`${folder}/tests`, '.yml').map((name) =>
  rulesTest.parse(readYaml(`${folder}/tests/${name}`)),
)
const metrics = await metricNames()

/** The first file, with one alert changed. */
function changed(change: (rule: RulesFile['groups'][number]['rules'][number]) => void): RulesFile {
  const [file] = structuredClone(files)
  const rule = file?.groups[0]?.rules.at(-1)
  if (file === undefined || rule === undefined) throw new Error('there are no alerts')
  change(rule)
  return file
}

test('every alert asks for metrics that exist, has a runbook and was seen to fire', () => {
  expect(files.flatMap((file) => ruleFaults(file, tests, metrics))).toEqual([])
})

test('there is a dead man’s alert', () => {
  const alerts = files.flatMap(({ groups }) => groups.flatMap(({ rules }) => rules))
  expect(alerts.filter(({ expr }) => expr === 'vector(1)')).toHaveLength(1)
})

test.for([
  ['a metric that nobody makes', { expr: 'usdcop_gateway_decision_total > 1' }, 'nobody makes'],
  ['a query that does not parse', { expr: 'sum(up' }, 'does not parse'],
  ['an alert without a test', { alert: 'Untested' }, 'no test sees it fire'],
  ['an alert without a runbook', { alert: 'Untested' }, 'another alert'],
] as const)('%s is found', ([, change, fault]) => {
  const file = changed((rule) => Object.assign(rule, change))
  expect(ruleFaults(file, tests, metrics).join()).toContain(fault)
})

test('a runbook that is not there is found', () => {
  const file = changed((rule) => {
    rule.annotations.runbook_url = 'docs/runbooks/Nowhere.md'
  })
  expect(ruleFaults(file, tests, metrics).join()).toContain('there is no docs/runbooks/Nowhere.md')
})

test('a severity that no route knows is refused', () => {
  const file = structuredClone(readYaml(`${folder}/platform.yml`)) as {
    groups: { rules: { labels: { severity: string } }[] }[]
  }
  for (const rule of file.groups[0]?.rules ?? []) rule.labels.severity = 'urgent'
  expect(rulesFile.safeParse(file).success).toBe(false)
})

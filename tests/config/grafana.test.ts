import { expect, test } from 'vitest'
import { type Dashboard, dashboardFaults, dashboardFile } from './support/dashboard.ts'
import { expandedTooEarly, sourceFaults, sourcesFile } from './support/datasources.ts'
import { namesIn, readText, readYaml } from './support/files.ts'
import { metricNames } from './support/metric-names.ts'
import { streams } from './support/streams.ts'

const provisioning = 'config/grafana/provisioning'
const sources = sourcesFile.parse(readYaml(`${provisioning}/datasources/datasources.yml`))
const dashboards = namesIn('config/grafana/dashboards', '.json').map((name) =>
  dashboardFile.parse(JSON.parse(readText(`config/grafana/dashboards/${name}`))),
)
const metrics = await metricNames()
const { labels } = streams()
const known = {
  sources: new Map(sources.datasources.map(({ uid, type }) => [uid, type])),
  metrics,
  labels,
}

test('there are the five sources, under the names that dashboards use', () => {
  expect(Object.fromEntries(known.sources)).toEqual({
    prometheus: 'prometheus',
    loki: 'loki',
    jaeger: 'jaeger',
    timescaledb: 'grafana-postgresql-datasource',
    alertmanager: 'alertmanager',
  })
})

test('every link between sources leads somewhere, and asks what can be answered', () => {
  expect(sourceFaults(sources, metrics, labels)).toEqual([])
  const text = readText(`${provisioning}/datasources/datasources.yml`)
  expect(expandedTooEarly(text)).toEqual([])
})

test('the database is read as a user who can only read', () => {
  const database = sources.datasources.find(({ uid }) => uid === 'timescaledb')
  expect(database?.user).toBe('grafana')
  expect(database?.secureJsonData).toEqual({
    password: '$__file{/run/secrets/grafana_database_password}',
  })
})

test('dashboards come from files and are not changed in the browser', () => {
  const [provider] = (
    readYaml(`${provisioning}/dashboards/dashboards.yml`) as { providers: unknown[] }
  ).providers
  expect(provider).toMatchObject({
    type: 'file',
    allowUiUpdates: false,
    options: { path: '/etc/grafana/dashboards' },
  })
})

test('every dashboard shows what exists', () => {
  expect(dashboards.map(({ uid }) => uid)).toContain('system-health')
  expect(dashboards.flatMap((one) => dashboardFaults(one, known))).toEqual([])
})

test.for([
  ['a link to a source that is not there', 'datasourceUid: jaeger', 'datasourceUid: tempo'],
  ['a metric that nobody makes', 'traces_span_metrics_calls_total', 'calls_total'],
  ['a label that no stream has', '{service=~', '{service_name=~'],
])('%s is found', ([, from = '', to = '']) => {
  const broken = JSON.stringify(sources).replace(
    from.replace(/(\w+): (\w+)/, '"$1":"$2"'),
    to.replace(/(\w+): (\w+)/, '"$1":"$2"'),
  )
  expect(sourceFaults(sourcesFile.parse(JSON.parse(broken)), metrics, labels)).not.toEqual([])
})

test('a variable that Grafana would put in too early is found', () => {
  expect(expandedTooEarly('url: ${__value.raw}\nb: $$x $__file{/y}\nc: $HOME')).toEqual([
    '${__value.raw}',
    '$HOME',
  ])
})

type Panel = Dashboard['panels'][number]

test.for([
  ['another panel’s place', { gridPos: { x: 3, y: 0, w: 20, h: 9 } }, 'lie on one another'],
  ['another panel’s id', { id: 2 }, 'ids are not unique'],
  ['a panel of Angular', { type: 'graph' }, 'no panel graph any more'],
  ['no question', { targets: [] }, 'it asks nothing'],
  ['an unknown source', { datasource: { type: 'tempo', uid: 'tempo' } }, 'no tempo is provisioned'],
  ['an unknown variable', { title: 'of $nobody' }, 'no variable is called nobody'],
  [
    'an unknown metric',
    { targets: [{ datasource: { type: 'prometheus', uid: 'prometheus' }, expr: 'u', refId: 'A' }] },
    'nobody makes u',
  ],
  ['no unit', { type: 'stat', fieldConfig: { defaults: {} } }, 'no unit'],
] satisfies [string, Partial<Panel>, string][])('%s is found', ([, change, fault]) => {
  const [copy] = structuredClone(dashboards)
  if (copy === undefined) throw new Error('there is no dashboard')
  Object.assign(copy.panels[0] ?? {}, change)
  expect(dashboardFaults(copy, known).join()).toContain(fault)
})

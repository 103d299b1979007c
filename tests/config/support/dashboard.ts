import { z } from 'zod'
import { logqlFaults, promqlFaults } from './queries.ts'

const reference = z.object({ type: z.string(), uid: z.string() })
const panel = z.object({
  id: z.number(),
  type: z.string(),
  title: z.string().min(1),
  description: z.string().min(1),
  datasource: reference,
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  fieldConfig: z.object({ defaults: z.object({ unit: z.string().optional() }) }),
  targets: z.array(z.object({ datasource: reference, expr: z.string().min(1), refId: z.string() })),
})

export const dashboardFile = z.object({
  uid: z.string(),
  title: z.string(),
  schemaVersion: z.number(),
  editable: z.literal(false),
  panels: z.array(panel).min(1),
  templating: z.object({ list: z.array(z.object({ name: z.string() })) }),
})
export type Dashboard = z.infer<typeof dashboardFile>
type Panel = Dashboard['panels'][number]

/** What a dashboard may speak of: sources by uid and type, metrics, stream labels. */
export interface Known {
  readonly sources: ReadonlyMap<string, string>
  readonly metrics: ReadonlySet<string>
  readonly labels: readonly string[]
}

/** Panels that Grafana 12 dropped with Angular. */
const GONE = ['graph', 'singlestat', 'table-old']
const MEASURING = ['timeseries', 'stat', 'gauge', 'bargauge']

/** Panels that would show an error, no data, or lie on another. */
export function dashboardFaults(dashboard: Dashboard, known: Known): readonly string[] {
  const { panels, schemaVersion } = dashboard
  const variables = new Set(dashboard.templating.list.map(({ name }) => name))
  const used = JSON.stringify(panels).matchAll(/\$\{?([a-z]\w*)/g)
  return [
    ...(schemaVersion >= 41 ? [] : [`schema version ${schemaVersion} is of an older Grafana`]),
    ...(new Set(panels.map(({ id }) => id)).size === panels.length ? [] : ['ids are not unique']),
    ...overlaps(panels).map((pair) => `${pair} lie on one another`),
    ...[...used]
      .map(([, name = '']) => name)
      .filter((name) => !variables.has(name))
      .map((name) => `no variable is called ${name}`),
    ...panels.flatMap((one) => panelFaults(one, known).map((fault) => `${one.title}: ${fault}`)),
  ]
}

function panelFaults(one: Panel, known: Known): readonly string[] {
  const sources = [one.datasource, ...one.targets.map(({ datasource }) => datasource)]
  return [
    ...(GONE.includes(one.type) ? [`there is no panel ${one.type} any more`] : []),
    ...(MEASURING.includes(one.type) && one.fieldConfig.defaults.unit === undefined
      ? ['its numbers have no unit']
      : []),
    ...(one.targets.length === 0 ? ['it asks nothing'] : []),
    ...sources
      .filter(({ uid, type }) => known.sources.get(uid) !== type)
      .map(({ uid, type }) => `no ${type} is provisioned as ${uid}`),
    ...one.targets.flatMap(({ datasource, expr }) =>
      datasource.type === 'loki'
        ? logqlFaults(expr, known.labels)
        : promqlFaults(expr, known.metrics),
    ),
  ]
}

function overlaps(panels: readonly Panel[]): readonly string[] {
  return panels.flatMap(({ title, gridPos: a }, index) =>
    panels
      .slice(index + 1)
      .filter(
        ({ gridPos: b }) =>
          a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h,
      )
      .map((other) => `${title} and ${other.title}`),
  )
}

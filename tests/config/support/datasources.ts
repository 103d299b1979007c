import { z } from 'zod'
import { logqlFaults, promqlFaults } from './queries.ts'

const link = z.object({ datasourceUid: z.string() })
const source = z.object({
  name: z.string(),
  uid: z.string(),
  type: z.string(),
  url: z.string(),
  editable: z.literal(false),
  user: z.string().optional(),
  secureJsonData: z.record(z.string(), z.string().startsWith('$__file{/run/secrets/')).optional(),
  jsonData: z.looseObject({
    alertmanagerUid: z.string().optional(),
    exemplarTraceIdDestinations: z.array(link.extend({ name: z.string() })).optional(),
    derivedFields: z
      .array(link.extend({ matcherType: z.literal('label'), matcherRegex: z.string() }))
      .optional(),
    tracesToLogsV2: link.extend({ query: z.string() }).optional(),
    tracesToMetrics: link.extend({ queries: z.array(z.object({ query: z.string() })) }).optional(),
  }),
})

export const sourcesFile = z.strictObject({
  apiVersion: z.literal(1),
  prune: z.literal(true),
  datasources: z.array(source),
})
export type SourcesFile = z.infer<typeof sourcesFile>

/** Links that lead nowhere, and questions that the source at the other end does not understand. */
export function sourceFaults(
  { datasources }: SourcesFile,
  metrics: ReadonlySet<string>,
  labels: readonly string[],
): readonly string[] {
  const types = new Map(datasources.map(({ uid, type }) => [uid, type]))
  const leads = (from: string, uid: string | undefined, type: string) =>
    uid === undefined || types.get(uid) === type ? [] : [`${from}: ${uid} is no ${type}`]
  return datasources.flatMap(({ name, jsonData: links }) => [
    ...leads(name, links.alertmanagerUid, 'alertmanager'),
    ...(links.exemplarTraceIdDestinations ?? []).flatMap(({ datasourceUid }) =>
      leads(name, datasourceUid, 'jaeger'),
    ),
    ...(links.derivedFields ?? []).flatMap(({ datasourceUid }) =>
      leads(name, datasourceUid, 'jaeger'),
    ),
    ...leads(name, links.tracesToLogsV2?.datasourceUid, 'loki'),
    ...leads(name, links.tracesToMetrics?.datasourceUid, 'prometheus'),
    ...(links.tracesToLogsV2 === undefined
      ? []
      : logqlFaults(asGrafanaReads(links.tracesToLogsV2.query), labels)),
    ...(links.tracesToMetrics?.queries ?? []).flatMap(({ query }) =>
      promqlFaults(asGrafanaReads(query), metrics),
    ),
  ])
}

/** Variables that Grafana would put in while it reads the file, when they are meant for its pages. */
export function expandedTooEarly(text: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .flatMap((line) => [...line.matchAll(/(?<!\$)\$(?!\$|__file\{)\S*/g)].map(([found]) => found))
}

function asGrafanaReads(query: string): string {
  return query.replaceAll('$$', '$')
}

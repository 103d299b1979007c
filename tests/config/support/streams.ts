import { z } from 'zod'
import { readYaml } from './files.ts'

const rule = z.object({
  action: z.enum(['index_label', 'structured_metadata', 'drop']),
  attributes: z.array(z.string()).optional(),
  regex: z.string().optional(),
})

export const lokiFile = z.object({
  limits_config: z.object({
    retention_period: z.string(),
    otlp_config: z.object({
      resource_attributes: z.object({
        ignore_defaults: z.literal(true),
        attributes_config: z.array(rule),
      }),
      log_attributes: z.array(rule),
    }),
  }),
  compactor: z.object({ retention_enabled: z.literal(true), delete_request_store: z.string() }),
  analytics: z.object({ reporting_enabled: z.literal(false) }),
})

/** Labels of Loki's streams, and what stands beside a line, as Loki's own file says. */
export function streams(): { labels: readonly string[]; metadata: readonly string[] } {
  const { otlp_config: otlp } = lokiFile.parse(readYaml('config/loki/loki.yml')).limits_config
  const of = (rules: readonly z.infer<typeof rule>[], action: string) =>
    rules
      .filter((one) => one.action === action)
      .flatMap(({ attributes }) => attributes ?? [])
      .toSorted()
  return {
    labels: of(otlp.resource_attributes.attributes_config, 'index_label'),
    metadata: of(otlp.log_attributes, 'structured_metadata'),
  }
}

import { z } from 'zod'

const relabel = z.object({
  source_labels: z.array(z.string()).optional(),
  target_label: z.string().optional(),
})
const job = z.object({
  job_name: z.string(),
  metrics_path: z.string().optional(),
  authorization: z.strictObject({ credentials_file: z.string() }).optional(),
  dns_sd_configs: z
    .array(
      z.strictObject({
        names: z.array(z.string()).length(1),
        type: z.literal('A'),
        port: z.number(),
        refresh_interval: z.string(),
      }),
    )
    .length(1)
    .optional(),
  static_configs: z.array(z.object({ targets: z.array(z.string()) })).optional(),
  relabel_configs: z.array(relabel).min(1),
})

export const prometheusFile = z.object({
  rule_files: z.array(z.string()),
  storage: z.object({ exemplars: z.object({ max_exemplars: z.number().positive() }) }),
  otlp: z.object({ promote_resource_attributes: z.array(z.string()) }),
  scrape_configs: z.array(job),
})
export type PrometheusFile = z.infer<typeof prometheusFile>

/** Where each of the stack's servers answers a scrape, by job. */
const WHERE: Readonly<Record<string, string>> = {
  'inference-gateway': 'inference-gateway:8090',
  'feature-server': 'feature-server:6566',
  materializer: 'materializer:6567',
  'secrets-broker': 'secrets-broker:8210',
  'span-metrics': 'otel-collector:8889',
  'otel-collector': 'otel-collector:8888',
  prometheus: 'localhost:9090',
  jaeger: 'jaeger:8888',
  grafana: 'grafana:3000',
  loki: 'loki:3100',
  alertmanager: 'alertmanager:9093',
  alloy: 'alloy:12345',
}
const SERVICES = ['inference-gateway', 'feature-server', 'materializer', 'secrets-broker']

/** Servers that are not scraped, or at another place, or by strangers, or under one name for all replicas. */
export function scrapeFaults({ scrape_configs: jobs }: PrometheusFile): readonly string[] {
  const missing = Object.keys(WHERE).filter((name) => !jobs.some((one) => one.job_name === name))
  return [
    ...missing.map((name) => `${name} is not scraped`),
    ...jobs.flatMap((one) => {
      const [sd] = one.dns_sd_configs ?? []
      const where =
        sd === undefined ? one.static_configs?.[0]?.targets[0] : `${sd.names[0]}:${sd.port}`
      const ours = SERVICES.includes(one.job_name)
      const named = one.relabel_configs.find(({ target_label }) => target_label === 'instance')
      const faults: string[] = []
      if (where !== WHERE[one.job_name]) faults.push(`${one.job_name} is looked for at ${where}`)
      if (ours && one.authorization?.credentials_file !== '/run/secrets/metrics_key')
        faults.push(`${one.job_name} would refuse Prometheus: it gives no key`)
      if (!ours && one.authorization !== undefined)
        faults.push(`${one.job_name} is given a key that is not its own`)
      if (named === undefined) faults.push(`${one.job_name} has addresses for instances`)
      if (ours && named?.source_labels?.includes('__address__') !== true)
        faults.push(`replicas of ${one.job_name} share one instance`)
      return faults
    }),
  ]
}

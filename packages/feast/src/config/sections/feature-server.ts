import { z } from 'zod'
import { onlyOff } from './section.ts'

const flag = z.boolean().optional()
const NO_AUDIT = 'no log for audits is written here'

/** Without effect: all metrics are always told, at `/metrics` of the port that serves. */
const Metrics = z.strictObject({
  enabled: flag,
  resource: flag,
  request: flag,
  online_features: flag,
  push: flag,
  materialization: flag,
  freshness: flag,
  offline_features: flag,
  feature_count_bins: z.array(z.int()).optional(),
  audit_logging: onlyOff(NO_AUDIT),
})

/** Without effect, as in Feast's server in Python: only the one in Go logs what it serves. */
const FeatureLogging = z.strictObject({
  enabled: flag,
  flush_interval_secs: z.int().optional(),
  write_to_disk_interval_secs: z.int().optional(),
  queue_capacity: z.int().optional(),
  emit_timeout_micro_secs: z.int().optional(),
})

const AuditLogging = z.strictObject({
  enabled: onlyOff(NO_AUDIT),
  sink: z.enum(['stdout', 'file', 'logger']).optional(),
  file_path: z.string().optional(),
  log_successful_reads: flag,
})

export const FeatureServer = z.strictObject({
  type: z
    .literal('local', { error: 'only local is served: there are no tools for MCP here' })
    .optional(),
  transformation_service_endpoint: z.string().optional(),
  // The command that serves is given or not.
  enabled: flag,
  metrics: Metrics.nullish(),
  feature_logging: FeatureLogging.nullish(),
  audit_logging: AuditLogging.nullish(),
  // Without effect: a push is in its file before it is answered.
  offline_push_batching_enabled: z.boolean().nullish(),
  offline_push_batching_batch_size: z.int().nullish(),
  offline_push_batching_batch_interval_seconds: z.int().nullish(),
})

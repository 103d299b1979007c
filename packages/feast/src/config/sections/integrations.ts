import { z } from 'zod'
import { onlyOff, unread } from './section.ts'

/** Of the routes that search, which answer 404 here. */
export const EmbeddingModel = z.strictObject({
  model: z.string(),
  provider: z.string().optional(),
})

/** Of Feast's own `apply` and `monitor`, which work on the same registry. */
export const DataQualityMonitoring = z.strictObject({ auto_baseline: z.boolean().optional() })

export const OpenLineage = z.strictObject({
  enabled: onlyOff('no lineage is told of what is materialized here'),
  ...unread(
    'transport_type',
    'transport_url',
    'transport_endpoint',
    'api_key',
    'namespace',
    'producer',
    'emit_on_apply',
    'emit_on_materialize',
    'additional_config',
    'consumer',
  ),
})

export const Mlflow = z.strictObject({
  enabled: onlyOff('nothing is logged to MLflow here'),
  ...unread(
    'tracking_uri',
    'ui_url',
    'auto_log',
    'auto_log_entity_df',
    'entity_df_max_rows',
    'log_operations',
    'ops_experiment_suffix',
    'dataset_sync',
    'ca_bundle',
    'supported_artifact_formats',
    'request_timeout',
    'max_retries',
    'retry_backoff_factor',
  ),
})

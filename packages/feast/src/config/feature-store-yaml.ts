import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ServiceError } from '@usdcop/service/errors'
import { parse } from 'yaml'
import { z } from 'zod'
import type { RepoConfig } from './repo-config.ts'
import { Auth, authOf } from './sections/auth.ts'
import { FeatureServer } from './sections/feature-server.ts'
import {
  DataQualityMonitoring,
  EmbeddingModel,
  Mlflow,
  OpenLineage,
} from './sections/integrations.ts'
import { BatchEngine, OfflineStore } from './sections/offline-store.ts'
import { OnlineStore, onlineStoreOf } from './sections/online-store.ts'
import { Registry, registryOf } from './sections/registry.ts'

const FILE = 'feature_store.yaml'

/** @throws ServiceError `config_invalid` where there is no file, or what it says is not supported */
export async function readRepoConfig(
  directory: string,
  env: NodeJS.ProcessEnv,
): Promise<RepoConfig> {
  const file = join(directory, FILE)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new ServiceError('config_invalid', `${file} cannot be read`, { cause: error })
  }
  return parseFeatureStoreYaml(text, env, directory)
}

const Materialization = z.strictObject({
  online_write_batch_size: z.int().min(1).nullish(),
  // Without effect: only the newest row of an entity is written here, whatever was read.
  pull_latest_features: z.boolean().optional(),
})

/** Every key of Feast's, in its order; what is not read below is held to its type and let be. */
const FeatureStore = z.looseObject({
  project: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_]*$/, {
    error: 'letters, digits and _ are taken, and no _ at the beginning',
  }),
  // Of Feast's `apply`; ours writes the name alone.
  project_description: z.string().nullish(),
  // All of these open the stores that the other sections name.
  provider: z
    .enum(['local', 'gcp', 'aws', 'azure'], {
      error:
        'only local, gcp, aws and azure are taken: what another one does in Python is not done here',
    })
    .optional(),
  registry: Registry,
  online_store: OnlineStore,
  auth: Auth.default({ type: 'no_auth' }),
  offline_store: OfflineStore,
  batch_engine: BatchEngine,
  feature_server: FeatureServer.nullish(),
  embedding_model: EmbeddingModel.nullish(),
  // Without effect in Feast too.
  flags: z.unknown().optional(),
  entity_key_serialization_version: z
    .literal(3, { error: 'only 3 is read: others lay out keys in another way' })
    .default(3),
  // Of `get_historical_features`, which is not here.
  coerce_tz_aware: z.boolean().nullish(),
  materialization: Materialization.nullish(),
  openlineage: OpenLineage.nullish(),
  mlflow: Mlflow.nullish(),
  data_quality_monitoring: DataQualityMonitoring.nullish(),
})

/**
 * What a `feature_store.yaml` says. Keys of the top that are unknown are let be, as in Feast; those of
 * a section are faults, also where Feast lets them be.
 * @param directory where relative paths begin
 * @throws ServiceError `config_invalid` naming every fault by its key
 */
export function parseFeatureStoreYaml(
  text: string,
  env: NodeJS.ProcessEnv,
  directory: string,
): RepoConfig {
  const parsed = FeatureStore.safeParse(readYaml(expand(text, env)))
  if (!parsed.success)
    throw new ServiceError('config_invalid', `${FILE}:\n${z.prettifyError(parsed.error)}`)
  const { project, registry, online_store, auth, feature_server, materialization } = parsed.data
  return {
    project,
    registry: registryOf(registry, directory),
    onlineStore: onlineStoreOf(online_store, directory),
    auth: authOf(auth),
    transformationEndpoint: feature_server?.transformation_service_endpoint,
    onlineWriteBatchSize: materialization?.online_write_batch_size ?? undefined,
  }
}

/** As Python's `os.path.expandvars`: a variable that is not set stays as it is written. */
function expand(text: string, env: NodeJS.ProcessEnv): string {
  return text.replaceAll(
    /\$(?:\{(?<braced>[^}]*)\}|(?<bare>\w+))/g,
    (written: string, braced?: string, bare?: string) => {
      const name = braced ?? bare ?? ''
      // What every object inherits, as `toString`, is no variable.
      return Object.hasOwn(env, name) ? (env[name] ?? written) : written
    },
  )
}

function readYaml(text: string): unknown {
  try {
    return parse(text, { version: '1.1' })
  } catch {
    // The parser's words quote the text, which may hold a password.
    throw new ServiceError('config_invalid', `${FILE} is no YAML`)
  }
}

import { ServiceError } from '@usdcop/service/errors'
import type { RegistryConfig } from '../config/repo-config.ts'
import { openFileRegistry } from './file-registry-store.ts'
import type { RegistryStore } from './registry-store.ts'

/**
 * The registry that `feature_store.yaml` names.
 * @param now epoch milliseconds, for the times of what is written
 * @throws ServiceError `not_supported` for one in SQL
 */
export function openRegistry(
  config: RegistryConfig,
  project: string,
  now: () => number = Date.now,
): RegistryStore {
  if (config.type === 'sql')
    throw new ServiceError('not_supported', 'a registry in SQL is not read here; one in a file is')
  return openFileRegistry(config, project, now)
}

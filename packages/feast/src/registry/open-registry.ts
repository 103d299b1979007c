import type { RegistryConfig } from '../config/repo-config.ts'
import { openFileRegistry } from './file-registry-store.ts'
import type { RegistryStore } from './registry-store.ts'
import { openSqlRegistry } from './sql/store.ts'

/**
 * The registry that `feature_store.yaml` names.
 * @param now epoch milliseconds, for the times of what is written
 */
export function openRegistry(
  config: RegistryConfig,
  project: string,
  now: () => number = Date.now,
): RegistryStore {
  return config.type === 'sql'
    ? openSqlRegistry(config, project, now)
    : openFileRegistry(config, project, now)
}

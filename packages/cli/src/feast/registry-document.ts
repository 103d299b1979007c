import { registryJson } from '@usdcop/feast/proto/registry-message'
import { type Repository, withRegistry } from './repository.ts'
import type { RegistryDocument } from './stored.ts'

/**
 * The whole registry as it is kept, whatever we have words for.
 * @throws ServiceError `config_invalid` where it is not there or no registry, `store_unavailable`
 */
export async function readDocument(
  repository: Repository,
  signal: AbortSignal,
): Promise<RegistryDocument> {
  return await withRegistry(
    repository,
    async (registry) => registryJson(await registry.readMessage(signal)) as RegistryDocument,
  )
}

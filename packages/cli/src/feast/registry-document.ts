import { readFile } from 'node:fs/promises'
import type { RepoConfig } from '@usdcop/feast/config/repo-config'
import { registryJson } from '@usdcop/feast/proto/registry-message'
import { parseRegistry } from '@usdcop/feast/registry/registry-file'
import { ServiceError } from '@usdcop/service/errors'
import type { RegistryDocument } from './stored.ts'

/**
 * The whole registry as it is kept, whatever we have words for.
 * @throws ServiceError `config_invalid` where it is not there or no registry, `not_supported` for one
 *   in SQL
 */
export async function readDocument(
  { registry }: RepoConfig,
  signal: AbortSignal,
): Promise<RegistryDocument> {
  if (registry.type === 'sql')
    throw new ServiceError('not_supported', 'a registry in SQL is not read here; one in a file is')
  return registryJson(parseRegistry(await readBytes(registry.path, signal))) as RegistryDocument
}

async function readBytes(path: string, signal: AbortSignal): Promise<Buffer> {
  try {
    return await readFile(path, { signal })
  } catch (error) {
    signal.throwIfAborted()
    throw new ServiceError('config_invalid', `the registry ${path} cannot be read`, {
      cause: error,
    })
  }
}

import { ServiceError } from '@usdcop/service/errors'
import {
  featureViewJson,
  type RegistryMessage,
  readRegistryMessage,
  registryJson,
} from '../proto/registry-message.ts'
import { decodeDefinitions, type Histories } from './decode-definitions.ts'
import type { Registry } from './definitions.ts'
import { createRegistry } from './registry.ts'
import type { RegistryJson, ViewJson } from './registry-json.ts'

export interface DecodeOptions {
  readonly onlineVersioning: boolean
}

/**
 * One project of the `registry.db` that Feast wrote.
 * @throws ServiceError `config_invalid` where the bytes are no registry, or the project is not sound
 */
export function decodeRegistry(
  bytes: Uint8Array,
  project: string,
  options: DecodeOptions,
): Registry {
  return decodeMessage(parseRegistry(bytes), project, options)
}

export function decodeMessage(
  message: RegistryMessage,
  project: string,
  { onlineVersioning }: DecodeOptions,
): Registry {
  const json = registryJson(message) as unknown as RegistryJson
  const definitions = decodeDefinitions(json, project, historiesOf(message, project))
  return createRegistry({ ...definitions, onlineVersioning })
}

export function parseRegistry(bytes: Uint8Array): RegistryMessage {
  try {
    return readRegistryMessage(bytes)
  } catch (error) {
    throw new ServiceError('config_invalid', 'the registry is no registry of Feast', {
      cause: error,
    })
  }
}

function historiesOf({ featureViewVersionHistory }: RegistryMessage, project: string): Histories {
  const histories = new Map<string, Map<number, ViewJson>>()
  for (const record of featureViewVersionHistory?.records ?? []) {
    if (record.projectId !== project || record.featureViewType !== 'feature_view') continue
    const versions = histories.get(record.featureViewName) ?? new Map<number, ViewJson>()
    const view = featureViewJson(record.featureViewProto) as unknown as ViewJson
    histories.set(record.featureViewName, versions.set(record.versionNumber, view))
  }
  return histories
}

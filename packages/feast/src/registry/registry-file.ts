import { ServiceError } from '@usdcop/service/errors'
import {
  LIST_OF_FIELD,
  type RegistryMessage,
  readRegistryMessage,
  readVersionRecord,
} from '../proto/registry-message.ts'
import { BYTES, ProtoReader } from '../wire/protobuf.ts'
import type { Registry } from './definitions.ts'
import { createRegistry } from './registry.ts'
import { definitionsOf, type Part, partOf, versionPart } from './registry-parts.ts'
import type { DecodeOptions, KeptObject } from './registry-reader.ts'
import { VERSIONED } from './view-versions.ts'

/**
 * One project of the `registry.db` that Feast wrote.
 * @throws ServiceError `config_invalid` where the bytes are no registry, or the project is not sound
 */
export function decodeRegistry(
  bytes: Uint8Array,
  project: string,
  { onlineVersioning }: DecodeOptions,
): Registry {
  const parts = [...objectsOf(bytes)].map(({ decode }) => decode())
  return createRegistry({ ...definitionsOf(project, parts), onlineVersioning })
}

export function parseRegistry(bytes: Uint8Array): RegistryMessage {
  return understood(() => readRegistryMessage(bytes))
}

/** `feature_view_version_history` of the registry, and `records` of that. */
const HISTORY = 18
const RECORDS = 1

/**
 * What a registry is made of, without a look into its objects.
 * @throws ServiceError `config_invalid` where the bytes are no registry
 */
export function* objectsOf(bytes: Uint8Array): Generator<KeptObject> {
  for (const { field, value } of fieldsOf(bytes)) {
    const list = LIST_OF_FIELD.get(field)
    if (list !== undefined) yield kept(field, value, () => partOf(list, value))
    if (field !== HISTORY) continue
    for (const record of fieldsOf(value))
      if (record.field === RECORDS) yield kept(field, record.value, () => recordPart(record.value))
  }
}

function kept(field: number, bytes: Buffer, decode: () => Part): KeptObject {
  return { key: `${field} ${bytes.toString('latin1')}`, decode: () => understood(decode) }
}

/** Earlier versions of other views are not read online. */
function recordPart(bytes: Uint8Array): Part {
  const { projectId, featureViewType, versionNumber, featureViewProto } = readVersionRecord(bytes)
  const list = VERSIONED.get(featureViewType)
  return list === undefined
    ? { kind: 'other', project: undefined }
    : versionPart(list, projectId, versionNumber, featureViewProto)
}

function* fieldsOf(
  bytes: Uint8Array,
): Generator<{ readonly field: number; readonly value: Buffer }> {
  const reader = new ProtoReader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  while (!reader.done) {
    const field = understood(() => nextField(reader))
    if (field !== undefined) yield field
  }
}

function nextField(reader: ProtoReader) {
  const tag = reader.varint()
  const wireType = tag & 7
  if (wireType === BYTES) return { field: tag >>> 3, value: reader.delimited() }
  reader.skip(wireType)
  return undefined
}

function understood<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new ServiceError('config_invalid', 'the registry is no registry of Feast', {
      cause: error,
    })
  }
}

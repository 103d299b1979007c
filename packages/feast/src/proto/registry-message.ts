import { readFileSync } from 'node:fs'
import {
  create,
  createFileRegistry,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  toBinary,
  toJson,
} from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'

/** One object of a registry; who knows no more of it keeps the rest as it is. */
export interface ObjectMessage extends Message {
  readonly spec?: { readonly name: string; readonly project: string }
}

export interface DataSourceMessage extends Message {
  readonly name: string
  readonly project: string
}

/** Feast's `feast.core.Registry`. Fields that are not named here, or in no schema, survive a write. */
export interface RegistryMessage extends Message {
  registrySchemaVersion: string
  versionId: string
  lastUpdated?: Message
  entities: ObjectMessage[]
  featureViews: ObjectMessage[]
  featureServices: ObjectMessage[]
  onDemandFeatureViews: ObjectMessage[]
  streamFeatureViews: ObjectMessage[]
  labelViews: ObjectMessage[]
  savedDatasets: ObjectMessage[]
  validationReferences: (Message & { readonly name: string; readonly project: string })[]
  permissions: ObjectMessage[]
  projects: ObjectMessage[]
  projectMetadata: (Message & { readonly project: string })[]
  dataSources: DataSourceMessage[]
  featureViewVersionHistory?: Message & { records: VersionRecord[] }
}

export interface VersionRecord extends Message {
  readonly featureViewName: string
  readonly projectId: string
  readonly versionNumber: number
  readonly featureViewType: string
  readonly featureViewProto: Uint8Array
  readonly createdTimestamp?: Message & { readonly seconds: bigint; readonly nanos: number }
  readonly versionId: string
}

const descriptors = new URL('registry.binpb', import.meta.url)
const files = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)))

function schema(name: string): DescMessage {
  const message = files.getMessage(`feast.core.${name}`)
  if (message === undefined) throw new TypeError(`Feast has no message ${name}`)
  return message
}

const REGISTRY = schema('Registry')

/** @throws Error where the bytes are no registry */
export function readRegistryMessage(bytes: Uint8Array): RegistryMessage {
  return fromBinary(REGISTRY, bytes) as unknown as RegistryMessage
}

export function writeRegistryMessage(message: RegistryMessage): Uint8Array {
  return toBinary(REGISTRY, message)
}

/** Protobuf's JSON: what Feast's own dump is made of. */
export function registryJson(message: RegistryMessage): JsonObject {
  return toJson(REGISTRY, message) as JsonObject
}

/** The lists of a registry that hold one object each. */
export type ListName =
  | 'entities'
  | 'featureViews'
  | 'featureServices'
  | 'onDemandFeatureViews'
  | 'streamFeatureViews'
  | 'labelViews'
  | 'dataSources'
  | 'savedDatasets'
  | 'validationReferences'
  | 'permissions'
  | 'projects'

const LISTS = new Map(
  REGISTRY.fields.flatMap((field) =>
    field.fieldKind === 'list' && field.listKind === 'message'
      ? [[field.localName, { field: field.number, object: field.message }] as const]
      : [],
  ),
)

function listed(list: ListName): { readonly field: number; readonly object: DescMessage } {
  return LISTS.get(list) as { readonly field: number; readonly object: DescMessage }
}

/** Field number in the registry → the list that has it. */
export const LIST_OF_FIELD: ReadonlyMap<number, ListName> = new Map(
  [...LISTS].map(([list, { field }]) => [field, list as ListName] as const),
)

/** @throws Error where the bytes are no object of that list */
export function readObject(list: ListName, bytes: Uint8Array): Message {
  return fromBinary(listed(list).object, bytes)
}

export function writeObject(list: ListName, message: Message): Uint8Array {
  return toBinary(listed(list).object, message)
}

/** Protobuf's JSON of an object's bytes; throws as `readObject`. */
export function objectJson(list: ListName, bytes: Uint8Array): JsonObject {
  return toJson(listed(list).object, readObject(list, bytes)) as JsonObject
}

export type MessageName =
  | 'Entity'
  | 'FeatureView'
  | 'FeatureService'
  | 'OnDemandFeatureView'
  | 'StreamFeatureView'
  | 'DataSource'
  | 'Permission'
  | 'Project'
  | 'ProjectMetadata'
  | 'FeatureViewVersionRecord'

export function messageFromJson<T extends Message>(name: MessageName, json: JsonValue): T {
  return fromJson(schema(name), json) as unknown as T
}

export function messageJson(name: MessageName, message: Message): JsonObject {
  return toJson(schema(name), message) as JsonObject
}

const RECORD = schema('FeatureViewVersionRecord')

/** @throws Error where the bytes are no record of a version */
export function readVersionRecord(bytes: Uint8Array): VersionRecord {
  return fromBinary(RECORD, bytes) as unknown as VersionRecord
}

/** Puts records behind those that a registry has. */
export function appendVersions(message: RegistryMessage, records: readonly VersionRecord[]): void {
  const history = message.featureViewVersionHistory ?? create(schema('FeatureViewVersionHistory'))
  message.featureViewVersionHistory = history as Message & { records: VersionRecord[] }
  message.featureViewVersionHistory.records.push(...records)
}

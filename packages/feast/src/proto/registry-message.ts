import { readFileSync } from 'node:fs'
import {
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

export type MessageName =
  | 'Entity'
  | 'FeatureView'
  | 'FeatureService'
  | 'OnDemandFeatureView'
  | 'StreamFeatureView'
  | 'DataSource'
  | 'Permission'
  | 'Project'

export function messageFromJson<T extends Message>(name: MessageName, json: JsonValue): T {
  return fromJson(schema(name), json) as unknown as T
}

export function messageJson(name: MessageName, message: Message): JsonObject {
  return toJson(schema(name), message) as JsonObject
}

/** A view as its version's record keeps it. */
export function featureViewJson(bytes: Uint8Array): JsonObject {
  const view = schema('FeatureView')
  return toJson(view, fromBinary(view, bytes)) as JsonObject
}

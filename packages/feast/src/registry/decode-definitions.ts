import { ENTITY_TYPES, type EntityType } from '../wire/entity-key.ts'
import {
  DUMMY_ENTITY,
  decodeField,
  decodeProjection,
  describedOf,
  instantOf,
} from './decode-parts.ts'
import type { BatchSource, Entity, FeatureService, FeatureView, PushSource } from './definitions.ts'
import type { EntityJson, ServiceJson, SourceJson, ViewJson } from './registry-json.ts'

/** An entity without a type has that of its column in the views, as in Feast. */
export function decodeEntity(
  { spec, meta }: EntityJson,
  keyTypes: ReadonlyMap<string, string>,
): Entity {
  const { name, joinKey = name, valueType } = spec
  const type = valueType ?? keyTypes.get(joinKey) ?? 'STRING'
  return { name, joinKey, valueType: entityType(type), ...describedOf(spec, meta) }
}

/** Feast writes no key of another type; such an entity can be read, and its rows are not there. */
function entityType(type: string): EntityType {
  return ENTITY_TYPES.find((known) => known === type) ?? 'STRING'
}

export function decodeView({ spec, meta = {} }: ViewJson): FeatureView {
  const { name, entities = [], features = [], batchSource, streamSource } = spec
  const keys = new Set(spec.entityColumns?.map((column) => column.name))
  const intervals = meta.materializationIntervals?.map(({ startTime, endTime }) => ({
    start: instantOf(startTime ?? '1970-01-01'),
    end: instantOf(endTime ?? '1970-01-01'),
  }))
  return {
    name,
    entities: entities.filter((entity) => entity !== DUMMY_ENTITY),
    // Feast lists a stream view's keys among its features, too.
    features: features.filter((field) => !keys.has(field.name)).map(decodeField),
    ttlMs: Number.parseFloat(spec.ttl ?? '0') * 1_000,
    pushSource: streamSource?.type === 'PUSH_SOURCE' ? streamSource.name : undefined,
    ...(batchSource !== undefined && { batchSource: decodeSource(batchSource) }),
    ...(spec.online !== true && { online: false }),
    ...(spec.disabled === true && { disabled: true }),
    ...(intervals !== undefined && { intervals }),
    ...(meta.currentVersionNumber !== undefined && { version: meta.currentVersionNumber }),
    ...describedOf(spec, meta),
  }
}

export function decodeSource(source: SourceJson): BatchSource {
  const { name = '', type = 'INVALID', timestampField = '', createdTimestampColumn } = source
  return {
    name,
    kind: type,
    ...(source.fileOptions?.uri !== undefined && { path: source.fileOptions.uri }),
    timestampField,
    ...(createdTimestampColumn !== undefined && { createdTimestampField: createdTimestampColumn }),
    ...(source.fieldMapping !== undefined && { fieldMapping: source.fieldMapping }),
    ...describedOf(source, source.meta),
  }
}

export function decodePushSource(source: SourceJson): PushSource {
  const { name = '', batchSource } = source
  return {
    name,
    timestampField: source.timestampField ?? batchSource?.timestampField ?? 'event_timestamp',
    ...(batchSource?.name !== undefined && { batchSource: batchSource.name }),
    ...describedOf(source, source.meta),
  }
}

export function decodeService({ spec, meta }: ServiceJson): FeatureService {
  const { name, features = [], precomputeOnline } = spec
  return {
    name,
    projections: features.map(decodeProjection),
    ...(precomputeOnline === true && { precomputeOnline }),
    ...describedOf(spec, meta),
  }
}

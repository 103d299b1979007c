import { ENTITY_TYPES, type EntityType } from '../wire/entity-key.ts'
import { decodeOnDemandView, decodePermission } from './decode-others.ts'
import {
  DUMMY_ENTITY,
  decodeField,
  decodeProjection,
  describedOf,
  instantOf,
} from './decode-parts.ts'
import type {
  BatchSource,
  Definitions,
  Entity,
  FeatureService,
  FeatureView,
  PushSource,
} from './definitions.ts'
import type {
  EntityJson,
  RegistryJson,
  ServiceJson,
  SourceJson,
  ViewJson,
} from './registry-json.ts'

/** Earlier versions of a project's views: by name, then by number. */
export type Histories = ReadonlyMap<string, ReadonlyMap<number, ViewJson>>

/** One project of a registry in our words; what we have no word for is left out. */
export function decodeDefinitions(
  json: RegistryJson,
  project: string,
  histories: Histories,
): Definitions {
  const own = <T extends { readonly spec: { readonly project: string } }>(
    list: readonly T[] = [],
  ) => list.filter(({ spec }) => spec.project === project)
  const views = [...own(json.featureViews), ...own(json.streamFeatureViews)]
  const sources = (json.dataSources ?? []).filter((source) => source.project === project)
  return {
    project,
    entities: own(json.entities)
      .filter(({ spec }) => spec.name !== DUMMY_ENTITY)
      .map((entity) => decodeEntity(entity, views)),
    views: views.map((view) => {
      const history = histories.get(view.spec.name)
      const decoded = decodeView(view)
      if (history === undefined) return decoded
      const earlier = [...history].map(([number, each]) => [number, decodeView(each)] as const)
      return { ...decoded, history: new Map(earlier) }
    }),
    services: own(json.featureServices).map(decodeService),
    pushSources: sources.filter(({ type }) => type === 'PUSH_SOURCE').map(decodePushSource),
    onDemandViews: own(json.onDemandFeatureViews).map(decodeOnDemandView),
    batchSources: sources
      .filter(({ type }) => type !== 'PUSH_SOURCE' && type !== 'REQUEST_SOURCE')
      .map(decodeSource),
    permissions: own(json.permissions).map(decodePermission),
  }
}

/** An entity without a type has that of its column in the views, as in Feast. */
function decodeEntity({ spec, meta }: EntityJson, views: readonly ViewJson[]): Entity {
  const { name, joinKey = name, valueType } = spec
  const column = views
    .flatMap((view) => view.spec.entityColumns ?? [])
    .find((field) => field.name === joinKey)
  const type = valueType ?? column?.valueType ?? 'STRING'
  return { name, joinKey, valueType: entityType(type), ...describedOf(spec, meta) }
}

/** Feast writes no key of another type; such an entity can be read, and its rows are not there. */
function entityType(type: string): EntityType {
  return ENTITY_TYPES.find((known) => known === type) ?? 'STRING'
}

function decodeView({ spec, meta = {} }: ViewJson): FeatureView {
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

function decodeSource(source: SourceJson): BatchSource {
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

function decodePushSource(source: SourceJson): PushSource {
  const { name = '', batchSource } = source
  return {
    name,
    timestampField: source.timestampField ?? batchSource?.timestampField ?? 'event_timestamp',
    ...(batchSource?.name !== undefined && { batchSource: batchSource.name }),
    ...describedOf(source, source.meta),
  }
}

function decodeService({ spec, meta }: ServiceJson): FeatureService {
  const { name, features = [], precomputeOnline } = spec
  return {
    name,
    projections: features.map(decodeProjection),
    ...(precomputeOnline === true && { precomputeOnline }),
    ...describedOf(spec, meta),
  }
}

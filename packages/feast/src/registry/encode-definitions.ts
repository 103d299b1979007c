import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { ServiceError } from '@usdcop/service/errors'
import { DUMMY_JOIN_KEY } from '../wire/entity-key.ts'
import { DUMMY_ENTITY } from './decode-parts.ts'
import type {
  BatchSource,
  Described,
  Entity,
  Feature,
  FeatureService,
  FeatureView,
  Permission,
  Projection,
  PushSource,
  Registry,
} from './definitions.ts'
import { entitiesOf } from './registry.ts'

const FILE_SOURCE = 'feast.infra.offline_stores.file_source.FileSource'
const PUSH_SOURCE = 'feast.data_source.PushSource'

/** What `feast apply` writes of one project: protobuf's JSON of each object, without times. */
export interface EncodedProject {
  readonly projects: readonly JsonObject[]
  readonly dataSources: readonly JsonObject[]
  readonly entities: readonly JsonObject[]
  readonly featureViews: readonly JsonObject[]
  readonly onDemandFeatureViews: readonly JsonObject[]
  readonly streamFeatureViews: readonly JsonObject[]
  readonly featureServices: readonly JsonObject[]
  readonly permissions: readonly JsonObject[]
}

/**
 * @throws ServiceError `not_supported` naming an object that Feast could not read or run: a view on
 *   demand in TypeScript, a source that is no file
 */
export function encodeProject(registry: Registry): EncodedProject {
  const { project } = registry
  for (const { name } of registry.onDemandViews.values())
    throw new ServiceError(
      'not_supported',
      `On-demand feature view ${name} is in TypeScript, which no registry of Feast can hold`,
    )
  const list = <T>(map: ReadonlyMap<string, T>, encode: (each: T) => JsonObject): JsonObject[] =>
    [...map.values()].map(encode)
  return {
    projects: [{ spec: { name: project } }],
    dataSources: [
      ...list(registry.batchSources, (source) => ({ ...fileSource(source), project })),
      ...list(registry.pushSources, (source) => ({ ...pushSource(registry, source), project })),
    ].map((source) => ({ ...source, dataSourceClassType: classOf(source) })),
    entities: [
      ...list(registry.entities, (each) => ({ spec: { ...entity(each), project } })),
      { spec: { name: DUMMY_ENTITY, joinKey: DUMMY_JOIN_KEY, project } },
    ],
    featureViews: list(registry.views, (view) => ({
      spec: { ...featureView(registry, view), project },
    })),
    onDemandFeatureViews: [],
    streamFeatureViews: [],
    featureServices: list(registry.services, (each) => ({
      spec: { ...service(registry, each), project },
    })),
    permissions: registry.permissions.map((each) => ({ spec: { ...permission(each), project } })),
  }
}

function classOf({ type }: JsonObject): string {
  return type === 'PUSH_SOURCE' ? PUSH_SOURCE : FILE_SOURCE
}

function described({ tags = {}, description = '', owner = '' }: Partial<Described>): JsonObject {
  return { tags: { ...tags }, description, owner }
}

function entity({ name, joinKey, valueType, ...rest }: Entity): JsonObject {
  return { name, joinKey, valueType, ...described(rest) }
}

function field({ name, valueType, description = '', tags = {} }: Feature): JsonObject {
  return { name, valueType, description, tags: { ...tags } }
}

function fileSource(source: BatchSource): JsonObject {
  const { name, kind, path, timestampField, createdTimestampField = '', fieldMapping } = source
  if (kind !== 'BATCH_FILE' || path === undefined)
    throw new ServiceError(
      'not_supported',
      `Data source '${name}' is of the kind ${kind}; only files are applied here`,
    )
  return {
    name,
    type: kind,
    fileOptions: { uri: path },
    timestampField,
    createdTimestampColumn: createdTimestampField,
    fieldMapping: { ...fieldMapping },
    ...described(source),
  }
}

function pushSource(registry: Registry, source: PushSource): JsonObject {
  const batch =
    source.batchSource === undefined ? undefined : registry.batchSources.get(source.batchSource)
  return {
    name: source.name,
    type: 'PUSH_SOURCE',
    timestampField: source.timestampField,
    ...(batch !== undefined && {
      createdTimestampColumn: batch.createdTimestampField ?? '',
      fieldMapping: { ...batch.fieldMapping },
      batchSource: fileSource(batch),
    }),
    ...described(source),
  }
}

function sourcesOf(registry: Registry, { batchSource, pushSource: name }: FeatureView): JsonObject {
  const push = name === undefined ? undefined : registry.pushSources.get(name)
  return {
    ...(batchSource !== undefined && {
      batchSource: { ...fileSource(batchSource), dataSourceClassType: FILE_SOURCE },
    }),
    ...(push !== undefined && {
      streamSource: { ...pushSource(registry, push), dataSourceClassType: PUSH_SOURCE },
    }),
  }
}

function featureView(registry: Registry, view: FeatureView): JsonObject {
  const keys = entitiesOf(registry, view).map(({ joinKey: name, valueType }) => ({
    name,
    valueType,
  }))
  const isEntityless = keys.length === 0
  return {
    name: view.name,
    entities: isEntityless ? [DUMMY_ENTITY] : [...view.entities],
    entityColumns: isEntityless ? [{ name: DUMMY_JOIN_KEY, valueType: 'STRING' }] : keys,
    features: view.features.map(field),
    ttl: `${view.ttlMs / 1_000}s`,
    online: view.online !== false,
    disabled: view.disabled === true,
    version: 'latest',
    ...sourcesOf(registry, view),
    ...described(view),
  }
}

function service(registry: Registry, each: FeatureService): JsonObject {
  return {
    name: each.name,
    features: each.projections.map((projection) => encodeProjection(registry, projection)),
    precomputeOnline: each.precomputeOnline === true,
    ...described(each),
  }
}

function encodeProjection(registry: Registry, projection: Projection): JsonValue {
  const view = registry.views.get(projection.view) as FeatureView
  const { batchSource } = view
  const created = batchSource?.createdTimestampField ?? ''
  return {
    featureViewName: projection.view,
    featureViewNameAlias: projection.alias ?? '',
    featureColumns: projection.features.map((name) =>
      field(view.features.find((feature) => feature.name === name) as Feature),
    ),
    joinKeyMap: { ...projection.joinKeyMap },
    ...(projection.version !== undefined && { versionTag: projection.version }),
    createdTimestampColumn: created,
    // Feast's own slip: it is not the time's.
    timestampField: created,
    ...(batchSource !== undefined && { batchSource: fileSource(batchSource) }),
    viewType: 'featureView',
  }
}

function permission(each: Permission): JsonObject {
  const { name, types, namePatterns, requiredTags, actions, roles, groups } = each
  if (roles.length > 0 && groups.length > 0)
    throw new ServiceError('not_supported', `Permission ${name} names roles and groups`)
  return {
    name,
    types: types.map((type) => type.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()),
    namePatterns: [...namePatterns],
    requiredTags: { ...requiredTags },
    actions: [...actions],
    policy:
      groups.length > 0
        ? { groupBasedPolicy: { groups: [...groups] } }
        : { roleBasedPolicy: { roles: [...roles] } },
    tags: { ...each.tags },
  }
}

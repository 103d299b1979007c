import {
  DUMMY_ENTITY,
  type ListName,
  listOf,
  type RegistryDocument,
  type Spec,
  type Stored,
  specOf,
} from './stored.ts'
import { pythonDictionary, pythonSet } from './tabulate.ts'

/** A kind of object with its `list` and `describe`, in Feast's words. */
export interface Group {
  readonly name: string
  readonly description: string
  /** Where `describe` looks. */
  readonly described: ListName
  /** What `list` lists, one after the other. */
  readonly listed: readonly ListName[]
  readonly heads: readonly string[]
  readonly row: (spec: Spec, context: RowContext) => readonly string[]
  /** How an object is called that is not there. */
  readonly noun: string
}

export interface RowContext {
  readonly list: ListName
  readonly object: Stored
  readonly project: string
  readonly document: RegistryDocument
}

const named = (spec: Spec): readonly string[] => [spec.name ?? '']

/** Of Feast's own sources, which a registry in SQL does not name by their classes. */
const CLASSES: Readonly<Record<string, string>> = {
  BATCH_FILE: 'feast.infra.offline_stores.file_source.FileSource',
  BATCH_BIGQUERY: 'feast.infra.offline_stores.bigquery_source.BigQuerySource',
  BATCH_REDSHIFT: 'feast.infra.offline_stores.redshift_source.RedshiftSource',
  BATCH_SNOWFLAKE: 'feast.infra.offline_stores.snowflake_source.SnowflakeSource',
  STREAM_KAFKA: 'feast.data_source.KafkaSource',
  STREAM_KINESIS: 'feast.data_source.KinesisSource',
  REQUEST_SOURCE: 'feast.data_source.RequestSource',
  PUSH_SOURCE: 'feast.data_source.PushSource',
}

export const GROUPS: readonly Group[] = [
  {
    name: 'entities',
    description: 'entities',
    described: 'entities',
    listed: ['entities'],
    heads: ['NAME', 'DESCRIPTION', 'TYPE'],
    row: ({ name = '', description = '', valueType = 'UNKNOWN' }) => [
      name,
      description,
      `ValueType.${valueType}`,
    ],
    noun: 'Entity',
  },
  {
    name: 'feature-views',
    description: 'feature views; the list has those on demand, too',
    described: 'featureViews',
    listed: ['featureViews', 'onDemandFeatureViews'],
    heads: ['NAME', 'ENTITIES', 'TYPE', 'ENABLED', 'STATE'],
    row: viewRow,
    noun: 'Feature view',
  },
  {
    name: 'feature-services',
    description: 'feature services',
    described: 'featureServices',
    listed: ['featureServices'],
    heads: ['NAME', 'FEATURES'],
    row: ({ name = '', features = [] }) => [
      name,
      features
        .flatMap(({ featureViewName, featureColumns = [] }) =>
          featureColumns.map((feature) => `${featureViewName}:${feature.name}`),
        )
        .join(', '),
    ],
    noun: 'Feature service',
  },
  {
    name: 'data-sources',
    description: 'data sources',
    described: 'dataSources',
    listed: ['dataSources'],
    heads: ['NAME', 'CLASS'],
    row: ({ name = '', type = '', dataSourceClassType = CLASSES[type] ?? type }) => [
      name,
      `<class '${dataSourceClassType}'>`,
    ],
    noun: 'Data source',
  },
  {
    name: 'on-demand-feature-views',
    description: 'feature views that are computed when they are asked for',
    described: 'onDemandFeatureViews',
    listed: ['onDemandFeatureViews'],
    heads: ['NAME'],
    row: named,
    noun: 'Feature view',
  },
  {
    name: 'stream-feature-views',
    description: 'feature views over a stream',
    described: 'streamFeatureViews',
    listed: ['streamFeatureViews'],
    heads: ['NAME'],
    row: named,
    noun: 'Feature view',
  },
  {
    name: 'permissions',
    description: 'permissions',
    described: 'permissions',
    listed: ['permissions'],
    heads: ['NAME', 'TYPES', 'NAME_PATTERNS', 'ACTIONS', 'ROLES', 'REQUIRED_TAGS'],
    row: permissionRow,
    noun: 'Permission',
  },
  {
    name: 'projects',
    description: 'all projects of the registry',
    described: 'projects',
    listed: ['projects'],
    heads: ['NAME', 'DESCRIPTION', 'TAGS', 'OWNER'],
    row: ({ name = '', description = '', tags = {}, owner = '' }) => [
      name,
      description,
      pythonDictionary(tags),
      owner,
    ],
    noun: 'Project',
  },
]

function viewRow(spec: Spec, context: RowContext): readonly string[] {
  const onDemand = context.list === 'onDemandFeatureViews'
  const entities = (onDemand ? entitiesBehind(spec, context) : (spec.entities ?? []))
    .filter((entity) => entity !== DUMMY_ENTITY)
    .sort()
  return [
    spec.name ?? '',
    entities.length === 0 ? 'n/a' : pythonSet([...new Set(entities)]),
    onDemand ? 'OnDemandFeatureView' : 'FeatureView',
    spec.disabled ? 'No' : 'Yes',
    context.object.meta?.state ?? 'STATE_UNSPECIFIED',
  ]
}

/** The entities of the views that a view on demand computes from. */
function entitiesBehind({ sources = {} }: Spec, { document, project }: RowContext): string[] {
  const names = Object.values(sources).map(
    ({ featureView, featureViewProjection }) =>
      featureView?.spec?.name ?? featureViewProjection?.featureViewName,
  )
  return listOf(document, 'featureViews', project)
    .map((view) => specOf('featureViews', view))
    .filter(({ name }) => names.includes(name))
    .flatMap(({ entities = [] }) => entities)
}

function permissionRow(spec: Spec): readonly string[] {
  const roles = spec.policy?.roleBasedPolicy?.roles ?? []
  const tags = Object.entries(spec.requiredTags ?? {}).map(([key, value]) => `${key} : ${value}`)
  return [
    spec.name ?? '',
    ...[spec.types?.map(className), spec.namePatterns, spec.actions, [...roles].sort(), tags].map(
      (lines = []) => (lines.length === 0 ? '-' : lines.join('\n')),
    ),
  ]
}

/** `FEATURE_VIEW` → `FeatureView`. */
function className(type: string): string {
  return type
    .split('_')
    .map((word) => `${word.slice(0, 1)}${word.slice(1).toLowerCase()}`)
    .join('')
}

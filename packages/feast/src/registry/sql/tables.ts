import type { ListName } from '../../proto/registry-message.ts'

/** A table of Feast's that holds one object a row. */
export interface ObjectTable {
  readonly list: ListName
  readonly table: string
  /** Columns of the object's name and of its protobuf bytes. */
  readonly name: string
  readonly proto: string
}

const objects = (list: ListName, table: string, noun: string, proto = noun): ObjectTable => ({
  list,
  table,
  name: `${noun}_name`,
  proto: `${proto}_proto`,
})

const PROJECTS = objects('projects', 'projects', 'project')

/** What a server reads. */
export const SERVED: readonly ObjectTable[] = [
  objects('entities', 'entities', 'entity'),
  objects('featureViews', 'feature_views', 'feature_view'),
  objects('streamFeatureViews', 'stream_feature_views', 'feature_view'),
  objects('onDemandFeatureViews', 'on_demand_feature_views', 'feature_view'),
  objects('featureServices', 'feature_services', 'feature_service'),
  objects('dataSources', 'data_sources', 'data_source'),
  objects('permissions', 'permissions', 'permission'),
]

export const OBJECTS: readonly ObjectTable[] = [
  PROJECTS,
  ...SERVED,
  objects('labelViews', 'label_views', 'feature_view'),
  objects('savedDatasets', 'saved_datasets', 'saved_dataset'),
  objects('validationReferences', 'validation_references', 'validation_reference'),
]

export const VERSIONS = 'feature_view_version_history'

/** All that has rows of a project. */
export const ALL_TABLES: readonly string[] = [
  ...OBJECTS.map(({ table }) => table),
  'managed_infra',
  VERSIONS,
  'feast_metadata',
]

function create(table: string, columns: readonly string[], key: string, index = table): string {
  const body = [...columns, `PRIMARY KEY (${key})`].join(', ')
  return (
    `CREATE TABLE IF NOT EXISTS ${table} (${body});` +
    `CREATE INDEX IF NOT EXISTS idx_${index}_project_id ON ${table} (project_id);`
  )
}

const text = (name: string, length: number): string => `${name} VARCHAR(${length}) NOT NULL`
const UPDATED = 'last_updated_timestamp BIGINT NOT NULL'

function createObjects({ table, name, proto }: ObjectTable): string {
  if (table === PROJECTS.table) {
    const columns = [text('project_id', 255), text(name, 255), UPDATED, `${proto} BYTEA NOT NULL`]
    return create(table, columns, 'project_id')
  }
  const columns = [
    text(name, 255),
    text('project_id', 255),
    UPDATED,
    ...(table === 'feature_views' ? ['materialized_intervals BYTEA'] : []),
    `${proto} BYTEA NOT NULL`,
    ...(name === 'feature_view_name' ? ['user_metadata BYTEA'] : []),
  ]
  return create(table, columns, `${name}, project_id`)
}

/** Tables and indexes as Feast's SQLAlchemy makes them, those that are missing. */
export const CREATE_TABLES = [
  ...OBJECTS.map(createObjects),
  create(
    'managed_infra',
    [text('infra_name', 255), text('project_id', 255), UPDATED, 'infra_proto BYTEA NOT NULL'],
    'infra_name, project_id',
  ),
  create(
    VERSIONS,
    [
      text('feature_view_name', 255),
      text('project_id', 255),
      'version_number INTEGER NOT NULL',
      text('feature_view_type', 50),
      'feature_view_proto BYTEA NOT NULL',
      'created_timestamp BIGINT NOT NULL',
      'description TEXT',
      text('version_id', 36),
    ],
    'feature_view_name, project_id, version_number',
    'fv_version_history',
  ),
  create(
    'feast_metadata',
    [text('project_id', 255), text('metadata_key', 50), 'metadata_value TEXT NOT NULL', UPDATED],
    'project_id, metadata_key',
  ),
].join('\n')

import { z } from 'zod'
import { asSection } from './section.ts'

/*
 * Neither section is opened here. Rows are read from where a view's own source says, by this server's
 * own engine, and a source that is no Parquet file is refused by name when it is asked for. So a section
 * has but to be one of Feast's; options are looked at where Feast's own list of them is short.
 */

const ANY = 'any'
type Options = readonly string[] | typeof ANY

const OFFLINE_STORES: ReadonlyMap<string, Options> = new Map<string, Options>([
  ['dask', []],
  ['file', []],
  ['duckdb', ['staging_location', 'staging_location_endpoint_override']],
  [
    'postgres',
    [
      'host',
      'port',
      'database',
      'db_schema',
      'user',
      'password',
      'sslmode',
      'sslkey_path',
      'sslcert_path',
      'sslrootcert_path',
      'keepalives_idle',
      'min_conn',
      'max_conn',
      'conn_type',
      'entity_select_mode',
    ],
  ],
  ...[
    'athena',
    'bigquery',
    'chronon',
    'clickhouse',
    'couchbase.offline',
    'hybrid',
    'mssql',
    'oracle',
    'ray',
    'redshift',
    'remote',
    'snowflake.offline',
    'spark',
    'trino',
  ].map((type) => [type, ANY] as const),
])

const BATCH_ENGINES: ReadonlyMap<string, Options> = new Map<string, Options>([
  ['local', ['backend']],
  ...[
    'flink.engine',
    'k8s',
    'lambda',
    'ray.engine',
    'snowflake.engine',
    'spark.engine',
    'spark_application',
    'trino',
    'trino.engine',
  ].map((type) => [type, ANY] as const),
])

/** A class in Python may stand in the place of a type: it is not run, as the others are not. */
export const OfflineStore = unopened(OFFLINE_STORES, /\.\w*OfflineStore$/, 'an offline store')
export const BatchEngine = unopened(BATCH_ENGINES, /\.\w*Engine$/, 'a batch engine')

function unopened(types: ReadonlyMap<string, Options>, ofClass: RegExp, what: string) {
  const section = z.looseObject({ type: z.string() }).superRefine((given, context) => {
    const { type, ...options } = given
    const known = types.get(type) ?? (ofClass.test(type) ? ANY : undefined)
    if (known === undefined)
      return context.addIssue({
        code: 'custom',
        path: ['type'],
        message: `is no type of ${what} of Feast's: ${[...types.keys()].join(', ')}`,
      })
    const keys = known === ANY ? [] : Object.keys(options).filter((key) => !known.includes(key))
    if (keys.length > 0) context.addIssue({ code: 'unrecognized_keys', keys, input: given })
  })
  return z.preprocess(asSection, section.nullish())
}

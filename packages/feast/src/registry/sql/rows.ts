import type { Message } from '@bufbuild/protobuf'
import { ServiceError } from '@usdcop/service/errors'
import {
  type ListName,
  messageFromJson,
  type RegistryMessage,
  readObject,
  readRegistryMessage,
} from '../../proto/registry-message.ts'
import { type Part, partOf, versionPart } from '../registry-parts.ts'
import type { KeptObject } from '../registry-reader.ts'
import { VERSIONED, type VersionedList } from '../view-versions.ts'
import { OBJECTS, type ObjectTable, SERVED, VERSIONS } from './tables.ts'

const VERSIONS_OF_PROJECT = `${VERSIONS} where project_id = $1
  and feature_view_type in (${[...VERSIONED.keys()].map((type) => `'${type}'`).join(', ')})`
const LIST_OF_VERSION = [...VERSIONED].map(([type, list]) => `when '${type}' then '${list}'`)

/** Every write of a row gives it another `xmin`, also within the second that Feast's times have. */
export const MARK = `select md5(string_agg(mark, ',' order by mark collate "C")) as mark from (${[
  ...SERVED.map(
    ({ table, name }) =>
      `select '${table} ' || ${name} || ' ' || xmin as mark from ${table} where project_id = $1`,
  ),
  `select feature_view_name || ' ' || version_number || ' ' || xmin from ${VERSIONS_OF_PROJECT}`,
].join(' union all ')}) as marks`

export interface ServedRow {
  readonly list: ListName
  readonly table: string
  readonly name: string
  /** Of a version of a view alone. */
  readonly version: number | null
  readonly proto: Buffer
}

export const SERVED_ROWS = [
  ...SERVED.map(
    ({ list, table, name, proto }) =>
      `select '${list}' as list, '${table}' as table, ${name} as name, null::int as version, ` +
      `${proto} as proto from ${table} where project_id = $1`,
  ),
  `select case feature_view_type ${LIST_OF_VERSION.join(' ')} end, '${VERSIONS}', feature_view_name, version_number, feature_view_proto ` +
    `from ${VERSIONS_OF_PROJECT}`,
].join(' union all ')

/** @throws ServiceError `config_invalid` naming the row, when it is decoded */
export function keptObject({ list, table, name, version, proto }: ServedRow, project: string) {
  const decode = (): Part => {
    const part =
      version === null
        ? partOf(list, proto)
        : versionPart(list as VersionedList, project, version, proto)
    // Feast leaves the project to the row.
    return part.kind === 'other' ? part : { ...part, project }
  }
  const key = `${list} ${version ?? ''} ${proto.toString('latin1')}`
  return {
    key,
    decode: () => understood(table, name, decode),
  } satisfies KeptObject
}

export interface StoredRow {
  readonly list: ListName
  readonly project: string
  readonly name: string
  readonly proto: Buffer
}

function selectStored({ list, table, name, proto }: ObjectTable): string {
  const columns = `project_id as project, ${name} as name, ${proto} as proto`
  return `select '${list}' as list, ${columns} from ${table}`
}

/** Every object of a project, or of all. */
export function storedRows(of: 'project' | 'all'): string {
  const where = of === 'project' ? ' where project_id = $1' : ''
  return OBJECTS.map((table) => `${selectStored(table)}${where}`).join(' union all ')
}

/** The rows of one name in some lists. */
export function storedView(lists: readonly ListName[]): string {
  return lists
    .map(tableOf)
    .map((table) => `${selectStored(table)} where project_id = $1 and ${table.name} = $2`)
    .join(' union all ')
}

/**
 * Rows as the message that a registry is in a file.
 * @throws ServiceError `config_invalid` naming a row that is no object of Feast
 */
export function messageOf(rows: readonly StoredRow[]): RegistryMessage {
  const message = readRegistryMessage(Buffer.alloc(0))
  for (const { list, project, name, proto } of rows) {
    const { table } = tableOf(list)
    const object = understood(table, name, () => readObject(list, proto))
    ;(message[list] as Message[]).push(withProject(list, object, project))
  }
  return message
}

export interface ProjectRow {
  readonly project: string
  readonly projectUuid: string
}

export const PROJECT_IDS =
  'select project_id as project, metadata_value as "projectUuid" from feast_metadata ' +
  "where metadata_key = 'project_uuid'"

export function metadataOf(rows: readonly ProjectRow[]): RegistryMessage['projectMetadata'] {
  return rows.map((row) => messageFromJson('ProjectMetadata', { ...row }))
}

export function tableOf(list: ListName): ObjectTable {
  return OBJECTS.find((each) => each.list === list) as ObjectTable
}

/** As Feast does when it reads: whose an object is stands in its row. */
function withProject(list: ListName, object: Message, project: string): Message {
  if (list === 'projects') return object
  const { spec } = object as { readonly spec?: object }
  const isSpec = list === 'dataSources' || list === 'validationReferences'
  Object.assign(isSpec ? object : (spec ?? {}), { project })
  return object
}

function understood<T>(table: string, name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new ServiceError(
      'config_invalid',
      `the row '${name}' of the registry's table ${table} is no object of Feast`,
      { cause: error },
    )
  }
}

import { randomUUID } from 'node:crypto'
import type { SqlRegistryConfig } from '../../config/repo-config.ts'
import { type RegistryMessage, readRegistryMessage } from '../../proto/registry-message.ts'
import type { Definitions, Registry } from '../definitions.ts'
import { encodeProject } from '../encode-definitions.ts'
import { MATERIALIZED, recordInterval } from '../record-interval.ts'
import { createRegistry } from '../registry.ts'
import { type Applied, applyProject, deletedViews } from '../registry-changes.ts'
import { createRegistryReader, type DecodeOptions } from '../registry-reader.ts'
import type { RegistryChange, RegistryStore } from '../registry-store.ts'
import { openConnection, type Query } from './connection.ts'
import {
  keptObject,
  MARK,
  messageOf,
  metadataOf,
  PROJECT_IDS,
  type ProjectRow,
  SERVED_ROWS,
  type ServedRow,
  type StoredRow,
  storedRows,
  storedView,
} from './rows.ts'
import { ALL_TABLES, CREATE_TABLES, VERSIONS } from './tables.ts'
import { lastVersions, versionsOf, writeVersions } from './versions.ts'
import { changedRows, kept, writeRows } from './write.ts'

/**
 * Feast's registry in PostgreSQL. A write of ours is one transaction, and such writes take turns. Feast
 * writes object by object and knows of no turns; of it and us the last one stands.
 * @param now epoch milliseconds
 */
export function openSqlRegistry(
  config: SqlRegistryConfig & DecodeOptions,
  project: string,
  now: () => number,
): RegistryStore {
  const writing = openConnection(config.connection)
  const reading = openConnection(config.readConnection)
  const readObjects = createRegistryReader(project, config)
  let last: { readonly mark: string | null; readonly registry: Registry } | undefined

  const change = async (
    work: (query: Query) => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<void> =>
    await writing.transaction(async (query) => {
      await query(TAKE_TURN)
      const isChanged = await work(query)
      if (isChanged && config.keepsMetadata) await writeMetadata(query, project, now())
    }, signal)

  return {
    async read(signal) {
      const [mark, rows] = await reading.use(async (query) => {
        const [found] = await query<{ readonly mark: string | null }>(MARK, [project])
        const { mark: current = null } = found ?? {}
        const isSame = last !== undefined && last.mark === current
        return [current, isSame ? undefined : await query<ServedRow>(SERVED_ROWS, [project])]
      }, signal)
      if (rows === undefined && last !== undefined) return last.registry
      const registry = await readObjects(
        (rows ?? []).map((row) => keptObject(row, project)),
        signal,
      )
      last = { mark, registry }
      return registry
    },
    readMessage: async (signal) =>
      await reading.use(async (query) => {
        const message = messageOf(await query<StoredRow>(storedRows('all')))
        message.projectMetadata.push(...metadataOf(await query<ProjectRow>(PROJECT_IDS)))
        return message
      }, signal),
    versionsOf: async (view, signal) =>
      await reading.use(async (query) => await versionsOf(query, project, view), signal),
    plan: async (definitions, signal) =>
      await writing.use(async (query) => {
        const isThere = (await missingTables(query)).length === 0
        const message = isThere ? await messageOfProject(query, project) : NOTHING()
        return applied(message, definitions, new Map()).changes
      }, signal),
    async apply(definitions, signal) {
      let changes: readonly RegistryChange[] = []
      await change(async (query) => {
        if (config.makesTables && (await missingTables(query)).length > 0)
          await query(CREATE_TABLES)
        const message = await messageOfProject(query, project)
        const before = kept(message)
        const done = applied(message, definitions, await lastVersions(query, project))
        changes = done.changes
        await writeRows(query, project, changedRows(before, message), now())
        const gone = [...deletedViews(changes)]
        if (gone.length > 0) await query(DELETE_VERSIONS, [project, gone])
        await writeVersions(query, project, done.versions, now())
        return true
      }, signal)
      return changes
    },
    async recordMaterialization(view, interval, signal) {
      await change(async (query) => {
        const rows = await query<StoredRow>(storedView(MATERIALIZED.map(([list]) => list)), [
          project,
          view,
        ])
        const message = messageOf(rows)
        const before = kept(NOTHING())
        recordInterval(message, { project, view, ...interval }, now())
        await writeRows(query, project, changedRows(before, message), now())
        return true
      }, signal)
    },
    async deleteProject(signal) {
      await change(async (query) => {
        for (const table of ALL_TABLES)
          await query(`delete from ${table} where project_id = $1`, [project])
        return false
      }, signal)
    },
    async close() {
      await reading.close()
      await writing.close()
    },
  }

  function applied(
    message: RegistryMessage,
    definitions: Definitions,
    last: ReadonlyMap<string, number>,
  ): Applied {
    const wanted = encodeProject(createRegistry(definitions))
    return applyProject(message, { project, wanted, lastVersions: last, now: now() })
  }
}

/** Until the transaction ends. */
const TAKE_TURN = "select pg_advisory_xact_lock(hashtext('usdcop: registry of Feast'))"

const DELETE_VERSIONS = `delete from ${VERSIONS} where project_id = $1 and feature_view_name = any($2)`

const NOTHING = (): RegistryMessage => readRegistryMessage(Buffer.alloc(0))

async function messageOfProject(query: Query, project: string): Promise<RegistryMessage> {
  return messageOf(await query<StoredRow>(storedRows('project'), [project]))
}

async function missingTables(query: Query): Promise<readonly string[]> {
  const rows = await query<{ readonly name: string }>(
    'select name from unnest($1::text[]) as name where to_regclass(quote_ident(name)) is null',
    [ALL_TABLES],
  )
  return rows.map(({ name }) => name)
}

/** What Feast keeps of a project beside its objects: an id for ever, and when something changed. */
async function writeMetadata(query: Query, project: string, now: number): Promise<void> {
  const seconds = Math.floor(now / 1_000)
  await query(
    `insert into feast_metadata (project_id, metadata_key, metadata_value, last_updated_timestamp)
     values ($1, 'project_uuid', $2, $3) on conflict do nothing`,
    [project, randomUUID(), seconds],
  )
  await query(
    `insert into feast_metadata (project_id, metadata_key, metadata_value, last_updated_timestamp)
     values ($1, 'last_updated_timestamp', $2, $3)
     on conflict (project_id, metadata_key) do update set
       metadata_value = excluded.metadata_value,
       last_updated_timestamp = excluded.last_updated_timestamp`,
    [project, String(seconds), seconds],
  )
}

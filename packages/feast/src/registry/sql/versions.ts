import { randomUUID } from 'node:crypto'
import { type NewVersion, VIEW_TYPE, type ViewVersion } from '../view-versions.ts'
import type { Query } from './connection.ts'
import { VERSIONS } from './tables.ts'

/** The highest number that the history has of each view of a project. */
export async function lastVersions(
  query: Query,
  project: string,
): Promise<ReadonlyMap<string, number>> {
  const rows = await query<{ readonly name: string; readonly last: number }>(
    `select feature_view_name as name, max(version_number) as last from ${VERSIONS}
     where project_id = $1 group by feature_view_name`,
    [project],
  )
  return new Map(rows.map(({ name, last }) => [name, last]))
}

/** The versions of a view, the first one first. */
export async function versionsOf(
  query: Query,
  project: string,
  view: string,
): Promise<readonly ViewVersion[]> {
  const rows = await query<ViewVersion & { readonly createdAt: string }>(
    `select version_number as number, feature_view_type as type, version_id as id,
       created_timestamp as "createdAt" from ${VERSIONS}
     where project_id = $1 and feature_view_name = $2 order by version_number`,
    [project, view],
  )
  return rows.map(({ createdAt, ...row }) => ({ ...row, createdAtUs: Number(createdAt) * 1e6 }))
}

/** @param now epoch milliseconds; Feast's rows have seconds */
export async function writeVersions(
  query: Query,
  project: string,
  versions: readonly NewVersion[],
  now: number,
): Promise<void> {
  if (versions.length === 0) return
  await query(
    `insert into ${VERSIONS} (feature_view_name, project_id, version_number, feature_view_type,
       feature_view_proto, created_timestamp, description, version_id)
     select name, $1, number, $2, proto, $3, '', id
     from unnest($4::text[], $5::int[], $6::bytea[], $7::text[]) as made (name, number, proto, id)`,
    [
      project,
      VIEW_TYPE,
      Math.floor(now / 1_000),
      versions.map(({ view }) => view),
      versions.map(({ number }) => number),
      versions.map(({ proto }) => Buffer.from(proto)),
      versions.map(() => randomUUID()),
    ],
  )
}

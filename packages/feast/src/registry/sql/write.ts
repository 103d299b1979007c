import type { Message } from '@bufbuild/protobuf'
import { type ListName, type RegistryMessage, writeObject } from '../../proto/registry-message.ts'
import { APPLIED, nameOf } from '../registry-changes.ts'
import type { Query } from './connection.ts'
import { tableOf } from './rows.ts'

type Kept = ReadonlyMap<ListName, ReadonlyMap<string, Message>>

/** The objects of a registry by list and name, as they are now. */
export function kept(message: RegistryMessage): Kept {
  return new Map(
    APPLIED.map(([list]) => {
      const objects = message[list] as Message[]
      return [list, new Map(objects.map((object) => [nameOf(object), object]))] as const
    }),
  )
}

export interface ChangedRows {
  readonly list: ListName
  readonly written: ReadonlyMap<string, Message>
  readonly deleted: readonly string[]
}

/** What is another object than before, or there no more. */
export function changedRows(before: Kept, message: RegistryMessage): readonly ChangedRows[] {
  return [...kept(message)].map(([list, after]) => {
    const known = before.get(list) ?? new Map<string, Message>()
    return {
      list,
      written: new Map([...after].filter(([name, object]) => known.get(name) !== object)),
      deleted: [...known.keys()].filter((name) => !after.has(name)),
    }
  })
}

/** @param now epoch milliseconds; Feast's rows have seconds */
export async function writeRows(
  query: Query,
  project: string,
  changes: readonly ChangedRows[],
  now: number,
): Promise<void> {
  for (const { list, written, deleted } of changes) {
    const { table, name, proto } = tableOf(list)
    if (deleted.length > 0)
      await query(`delete from ${table} where project_id = $1 and ${name} = any($2)`, [
        project,
        deleted,
      ])
    if (written.size === 0) continue
    const protos = [...written.values()].map((object) => Buffer.from(writeObject(list, object)))
    // Other columns, as a view's `user_metadata`, stay as they are.
    await query(
      `insert into ${table} (${name}, project_id, last_updated_timestamp, ${proto})
       select name, $1, $2, proto from unnest($3::text[], $4::bytea[]) as written (name, proto)
       on conflict (${list === 'projects' ? 'project_id' : `${name}, project_id`}) do update set
         last_updated_timestamp = excluded.last_updated_timestamp, ${proto} = excluded.${proto}`,
      [project, Math.floor(now / 1_000), [...written.keys()], protos],
    )
  }
}

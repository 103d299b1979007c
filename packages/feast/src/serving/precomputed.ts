import { ServiceError } from '@usdcop/service/errors'
import type { StoredRow } from '../stores/online-store.ts'
import { ProtoReader } from '../wire/protobuf.ts'
import { decodeTimestamp } from '../wire/timestamp.ts'
import { decodeValue } from '../wire/value.ts'
import type { Value } from '../wire/value-types.ts'
import { type KeyedRead, keyedReads, type RequestRows } from './entity-rows.ts'
import type { Plan } from './plan.ts'
import { joinKeyColumns, type ResultColumn } from './result-columns.ts'
import { outlived, type Serving, type Status } from './ttl.ts'

/** Feast's `PrecomputedFeatureVector`: all features of a service for one entity. */
export interface Vector {
  readonly names: readonly string[]
  readonly values: readonly Value[]
  /** Event time by view, epoch milliseconds. */
  readonly times: ReadonlyMap<string, number>
  readonly precomputedAt: number
}

const VECTOR_FEATURE = ['vector']

/** What to read for a service with stored vectors: one an entity of its first view, as in Feast. */
export function vectorRead(
  plan: Plan,
  service: string,
  rows: RequestRows,
  serving: Serving,
): KeyedRead {
  const [first] = keyedReads({ ...plan, views: plan.views.slice(0, 1) }, rows, serving)
  return {
    ...(first as KeyedRead),
    view: `__precomputed__${service}`,
    features: VECTOR_FEATURE,
  }
}

/**
 * The columns that stored vectors answer. Ages are told in this path even in strict parity, as Feast
 * does; a value that is too old is kept there.
 * @throws ServiceError `invalid_request` in Feast's words, when an entity has no vector or one of
 *   other features than the service has now
 */
export function columnsOfVectors(
  plan: Plan,
  service: string,
  rows: RequestRows,
  { keyOfRow }: KeyedRead,
  stored: readonly (StoredRow | undefined)[],
  { now, serving }: { readonly now: number; readonly serving: Serving },
): readonly ResultColumn[] {
  const vectors = stored.map(vectorOf)
  const names = plan.views.flatMap(({ columns }) => columns)
  const [first] = vectors
  if (first === undefined || !vectors.every((vector) => vector && fits(vector, first, names)))
    throw unreadable(service)
  const of = (row: number) => vectors[keyOfRow?.[row] ?? row] as Vector
  const allRows = Array.from({ length: rows.count }, (_, row) => of(row))
  const columns = plan.views.flatMap(({ label, view, columns: shown }) =>
    shown.map((name) => {
      const at = first.names.indexOf(name)
      const cells = allRows.map(({ values, times }) => {
        const time = times.get(label)
        // A name without its view says nothing of whose age counts; Feast then tells none.
        const old = name.includes('__') && time !== undefined && outlived(time, view.ttlMs, now)
        return cell(values[at] ?? null, old, serving)
      })
      return {
        name,
        values: cells.map(({ value }) => value),
        statuses: cells.map(({ status }) => status),
        times: allRows.map(({ precomputedAt }) => precomputedAt),
      }
    }),
  )
  return [...joinKeyColumns(rows), ...columns]
}

function cell(value: Value, old: boolean, serving: Serving): { value: Value; status: Status } {
  if (serving === 'strict') return { value, status: old ? 'OUTSIDE_MAX_AGE' : 'PRESENT' }
  if (value === null) return { value, status: 'NULL_VALUE' }
  if (!old) return { value, status: 'PRESENT' }
  return { value: serving === 'enforce' ? null : value, status: 'OUTSIDE_MAX_AGE' }
}

function fits(vector: Vector, first: Vector, names: readonly string[]): boolean {
  if (vector.names.length !== names.length) return false
  return vector === first
    ? names.every((name) => vector.names.includes(name))
    : vector.names.every((name, index) => name === first.names[index])
}

function unreadable(service: string): ServiceError {
  return new ServiceError(
    'invalid_request',
    `FeatureService '${service}' has precompute_online=True but pre-computed vectors could not be ` +
      `read. Run \`feast precompute ${service}\` or materialize to populate vectors.`,
  )
}

function vectorOf(row: StoredRow | undefined): Vector | undefined {
  const value = row?.values[0]
  return value?.type === 'BYTES' ? decodeVector(Buffer.from(value.value)) : undefined
}

/** @throws ServiceError `internal` on bytes that are no vector */
export function decodeVector(bytes: Buffer): Vector {
  try {
    return readVector(new ProtoReader(bytes))
  } catch (cause) {
    if (cause instanceof RangeError)
      throw new ServiceError('internal', 'a stored vector is not a vector', { cause })
    throw cause
  }
}

function readVector(reader: ProtoReader): Vector {
  const names: string[] = []
  const values: Value[] = []
  const times = new Map<string, number>()
  let precomputedAt = 0
  while (!reader.done) {
    const tag = reader.varint()
    const field = tag >>> 3
    if (field === 1) names.push(reader.delimited().toString('utf8'))
    else if (field === 2) values.push(decodeValue(reader.delimited()))
    else if (field === 3) {
      const { name, time } = readViewTime(new ProtoReader(reader.delimited()))
      times.set(name, time)
    } else if (field === 4) precomputedAt = decodeTimestamp(reader.delimited())
    else reader.skip(tag & 7)
  }
  return { names, values, times, precomputedAt }
}

function readViewTime(reader: ProtoReader): { name: string; time: number } {
  let name = ''
  let time = 0
  while (!reader.done) {
    const tag = reader.varint()
    if (tag >>> 3 === 1) name = reader.delimited().toString('utf8')
    else if (tag >>> 3 === 2) time = decodeTimestamp(reader.delimited())
    else reader.skip(tag & 7)
  }
  return { name, time }
}

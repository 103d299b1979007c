import { isDeepStrictEqual } from 'node:util'
import type { Answer } from './post.ts'
import { type Column, replyColumns } from './reply-columns.ts'
import type { OnlineBody } from './requests.ts'

/** One request and what both servers answered to it, on the same rows. */
export interface Exchange {
  readonly request: OnlineBody
  readonly theirs: Answer
  readonly ours: Answer
}

/** The situations of docs/feast-compatibility.md that explain why an answer is not Feast's. */
export interface Explained {
  /** First cells of its tables. */
  readonly rows: ReadonlySet<string>
  /** What no row explains. */
  readonly unlisted: readonly string[]
}

const TEXTS = 'text of errors that Feast leaves to Python, pandas or Arrow'
const ENTITY_NAME = 'a key under the name of its entity'
const UNUSED_TEXT = 'a key, as text, that no requested view has'

/** Rows that hold in every mode, and so the only ones under `FEAST_PARITY=strict`. */
export const STRICT_ROWS: readonly string[] = [TEXTS, ENTITY_NAME, UNUSED_TEXT]

interface Refusal {
  readonly row: string
  /** What Feast says, decoded. */
  readonly theirs: RegExp
  readonly status: number
}

/** Faults of the caller that Feast answers with 500. */
const REFUSALS: readonly Refusal[] = [
  {
    row: 'unknown feature of a known view',
    theirs: /^'Feature .* not found in projection .*'$/,
    status: 404,
  },
  { row: 'colliding names', theirs: /"class": "FeatureNameCollisionError"/, status: 422 },
  {
    row: 'malformed or versioned reference, no features',
    theirs: /^Invalid feature reference |^Version-qualified ref |^No features specified/,
    status: 422,
  },
  { row: 'view out of use (`enabled=False`)', theirs: /is disabled and cannot serve/, status: 422 },
  {
    row: 'unequal columns, empty `entities`, no rows, missing join key',
    theirs:
      /^'pop from an empty set'$|Missing join key values for keys|^All entity rows must have the same/,
    status: 422,
  },
  {
    row: 'null entity, key of the wrong type',
    theirs: /^attribute name must be string, not|^invalid literal for int\(\)|^Value out of range/,
    status: 422,
  },
]

/** Words that we have in common with Feast, so that strict parity says the very same. */
const OUR_WORDS_TOO =
  /^Invalid feature reference |^Version-qualified ref |^No features specified|is disabled and cannot|^All entity rows must|Collision/

/** Why `ours` is not `theirs`; nothing at all where it is. */
export function explain({ request, theirs, ours }: Exchange, strict: boolean): Explained {
  if (theirs.status === 200 && ours.status === 200) return columnsOf(request, theirs, ours, strict)
  if (theirs.status === ours.status && theirs.body === ours.body) return SAME
  const said = textOf(theirs.body)
  if (theirs.status === 500) {
    const refusal = REFUSALS.find((each) => each.theirs.test(said))
    if (strict && ours.status === 500 && refusal !== undefined && !OUR_WORDS_TOO.test(said))
      return because(TEXTS)
    if (!strict && ours.status === refusal?.status && isErrorDetail(ours.body))
      return because(refusal.row)
  }
  if (!strict && theirs.status === 200 && ours.status === 422 && isErrorDetail(ours.body)) {
    const row = silentlyMissed(request)
    if (row !== undefined) return because(row)
  }
  return {
    rows: new Set(),
    unlisted: [`${theirs.status} ${theirs.body} → ${ours.status} ${ours.body}`],
  }
}

const SAME: Explained = { rows: new Set(), unlisted: [] }

function because(row: string): Explained {
  return { rows: new Set([row]), unlisted: [] }
}

/** What Feast answers with 200 and nulls, or for another entity. */
function silentlyMissed({ kind, body }: OnlineBody): string | undefined {
  const names = Object.keys(body.entities)
  if (kind === 'composite key' && names.length === 1) return 'part of a composite key'
  const fractions = Object.values(body.entities).some((column) => column.includes(1.5))
  return fractions ? 'fractional value for an integer key' : undefined
}

function columnsOf(request: OnlineBody, theirs: Answer, ours: Answer, strict: boolean): Explained {
  const [expected, given] = [replyColumns(theirs.body), replyColumns(ours.body)]
  const rows = new Set<string>()
  const unlisted: string[] = []
  const sameNames = isDeepStrictEqual(expected.map(nameOf), given.map(nameOf))
  if (!sameNames)
    unlisted.push(`columns ${expected.map(nameOf).join()} → ${given.map(nameOf).join()}`)
  else
    for (const [index, column] of expected.entries()) {
      const other = given[index] as Column
      if (isDeepStrictEqual(column, other)) continue
      for (const row of column.values.keys()) {
        const [a, b] = [cellOf(column, row), cellOf(other, row)]
        if (isDeepStrictEqual(a, b)) continue
        const reason =
          (strict ? undefined : otherStatus(a, b, column.name)) ?? otherKey(request, column, a, b)
        if (reason !== undefined) rows.add(reason)
        else unlisted.push(`${column.name}: ${JSON.stringify(a)} → ${JSON.stringify(b)}`)
      }
    }
  // The same columns in another order are as long; so is nothing else that was overlooked.
  if (rows.size === 0 && unlisted.length === 0 && theirs.body.length !== ours.body.length)
    unlisted.push(`${theirs.body} → ${ours.body}`)
  return { rows, unlisted }
}

interface Cell {
  readonly value: unknown
  readonly status: string | undefined
  readonly time: string | undefined
}

function cellOf({ values, statuses, event_timestamps }: Column, row: number): Cell {
  return { value: values[row], status: statuses[row], time: event_timestamps[row] }
}

const NEVER = '1970-01-01T00:00:00Z'

/** The same value, told under another status. */
function otherStatus(theirs: Cell, ours: Cell, column: string): string | undefined {
  if (theirs.status !== 'PRESENT' || theirs.time !== ours.time) return undefined
  if (!isDeepStrictEqual(theirs.value, ours.value)) return undefined
  if (ours.status === 'OUTSIDE_MAX_AGE') return 'row past its ttl'
  if (theirs.value !== null) return undefined
  if (ours.status === 'NULL_VALUE') return 'stored null'
  if (ours.status !== 'NOT_FOUND') return undefined
  if (column === 'x') return 'view kept offline (`online=False`)'
  return theirs.time === NEVER
    ? 'entity never written'
    : 'feature never written in a row that exists'
}

/** Columns of keys that the two read differently, and what was found under them. */
function otherKey(
  { kind, body: { entities } }: OnlineBody,
  { name }: Column,
  theirs: Cell,
  ours: Cell,
): string | undefined {
  const missed = theirs.value === null && theirs.time === NEVER
  if ('station' in entities && (name === 'station_id' || (name === 'level' && missed)))
    return ENTITY_NAME
  if (kind !== 'mapped keys' && name !== 'driver_id' && name !== 'customer_id') return undefined
  if (name in entities && ours.status === 'PRESENT') {
    const number = (ours.value as { number?: string } | null)?.number
    return typeof theirs.value === 'string' && theirs.value === number ? UNUSED_TEXT : undefined
  }
  if (kind !== 'mapped keys' || !name.startsWith('origin__')) return undefined
  if (!('driver_id' in entities && 'origin_id' in entities)) return undefined
  return entities['driver_id']?.some((key) => typeof key === 'string') === true
    ? UNUSED_TEXT
    : 'a mapped join key beside the column of its own name'
}

function nameOf({ name }: Column): string {
  return name
}

/** Feast's errors are JSON text, once or twice over. */
function textOf(body: string): string {
  const parsed: unknown = JSON.parse(body)
  if (typeof parsed !== 'string') return body
  return parsed.startsWith('"') ? String(JSON.parse(parsed)) : parsed
}

function isErrorDetail(body: string): boolean {
  const { module, class: name } = JSON.parse(textOf(body)) as { module: unknown; class: unknown }
  return module === 'feast.errors' && typeof name === 'string'
}

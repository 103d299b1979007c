import type { ServedFeature, ServedFeatures } from '@usdcop/decision/gates'
import { z } from 'zod'
import type { FeatureRef } from '../rules.ts'

const column = <T extends z.ZodType>(cell: T) => z.array(cell).length(1)
const status = z.enum(['PRESENT', 'NULL_VALUE', 'NOT_FOUND', 'OUTSIDE_MAX_AGE'])

/** Feast's column-major answer about one entity. */
const Reply = z.object({
  metadata: z.object({ feature_names: z.array(z.string()) }),
  results: z.array(
    z.object({
      values: column(z.unknown()),
      statuses: column(status),
      event_timestamps: column(z.string()),
    }),
  ),
})

/** Thrown for an answer that is no Feast answer about the features that were asked for. */
export class ReplyError extends Error {
  readonly code = 'reply_invalid'
}

/** Reads an answer strictly: the features in the order they were asked, never another's value. */
export function parseReply(
  json: unknown,
  definitionHash: string | null,
  asked: readonly FeatureRef[],
): ServedFeatures {
  const parsed = Reply.safeParse(json)
  if (!parsed.success) throw new ReplyError(z.prettifyError(parsed.error))
  const { metadata, results } = parsed.data
  const names = metadata.feature_names
  if (names.length !== results.length)
    throw new ReplyError(`${names.length} names for ${results.length} columns`)
  if (new Set(names).size !== names.length) throw new ReplyError('a name stands twice')
  const features = asked.map((ref): ServedFeature => {
    const found = results[names.indexOf(ref.name)]
    if (found === undefined)
      return { ...ref, value: null, status: 'NOT_FOUND', eventTimestamp: null }
    return {
      ...ref,
      value: numberOrNull(found.values[0], ref.name),
      status: found.statuses[0]!,
      eventTimestamp: instantOf(found.event_timestamps[0]!, ref.name),
    }
  })
  return { definitionHash, features }
}

/** How Feast writes what JSON has no number for. */
const NOT_FINITE = new Map<unknown, number>([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
])

function numberOrNull(value: unknown, name: string): number | null {
  if (value === null || typeof value === 'number') return value
  const notFinite = NOT_FINITE.get(value)
  if (notFinite !== undefined) return notFinite
  throw new ReplyError(`the value of ${name} is no number`)
}

/** Epoch ms, with the fraction of finer stamps; null for the epoch, Feast's word for never. */
function instantOf(text: string, name: string): number | null {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(text)
  const seconds = match === null ? Number.NaN : Date.parse(`${match[1]}Z`)
  // Date.parse rolls 31 February over; the way back shows it.
  if (Number.isNaN(seconds) || new Date(seconds).toISOString().slice(0, 19) !== match?.[1])
    throw new ReplyError(`the event time of ${name} is no instant`)
  const nanoseconds = Number((match[2] ?? '').padEnd(9, '0'))
  const instant = seconds + nanoseconds / 1_000_000
  return instant === 0 ? null : instant
}

import type { Registry } from '@usdcop/feast/registry/definitions'
import type { MaterializationJob } from '@usdcop/feast/registry/materialization'
import { viewsToMaterialize } from '@usdcop/feast/serving/materialized-views'
import type { Transformer } from '@usdcop/feast/serving/transform'
import { parseInstant } from '@usdcop/feast/wire/instant'
import { ServiceError } from '@usdcop/service/errors'
import { z } from 'zod'
import { BodyError, booleanFault, booleanOf, type Fault, schemaBoolean } from '../body.ts'
import { fieldsOf } from '../fields.ts'

type Body = Readonly<Record<string, unknown>>

export interface MaterializeRequest {
  /** Epoch milliseconds; undefined goes on from each view's last interval. */
  readonly start: number | undefined
  readonly end: number
  readonly views: readonly string[] | undefined
  readonly ignoreEventTimestamps: boolean
  readonly version: string | undefined
}

const shared = {
  feature_views: z.array(z.string()).nullish(),
  full_feature_names: schemaBoolean.default(false),
  version: z.string().nullish(),
}

export const MaterializeSchema = z.object({
  start_ts: z.string().nullish(),
  end_ts: z.string().nullish(),
  ...shared,
  disable_event_timestamp: schemaBoolean.default(false),
})

export const MaterializeIncrementalSchema = z.object({ end_ts: z.string(), ...shared })

/** @param now epoch milliseconds: the end of a run that ignores event times */
export function parseMaterialize(body: Body, now: number): MaterializeRequest {
  const fields = fieldsOf(body)
  const startText = fields.optionalText('start_ts')
  const endText = fields.optionalText('end_ts')
  const views = fields.optionalTexts('feature_views')
  const ignoreEventTimestamps = fields.boolean('disable_event_timestamp', false)
  fields.boolean('full_feature_names', false)
  const version = fields.optionalText('version')
  fields.end()
  const rest = { views, ignoreEventTimestamps, version }
  if (ignoreEventTimestamps) return { start: 0, end: now, ...rest }
  if (!startText || !endText)
    throw unfit('start_ts and end_ts are required when disable_event_timestamp is False')
  const start = instantOf(startText)
  const end = instantOf(endText)
  if (start >= end) throw unfit(`start_ts (${startText}) must be before end_ts (${endText})`)
  return { start, end, ...rest }
}

export function parseMaterializeIncremental(body: Body): MaterializeRequest {
  const fields = fieldsOf(body)
  const endText = fields.text('end_ts')
  const views = fields.optionalTexts('feature_views')
  fields.boolean('full_feature_names', false)
  const version = fields.optionalText('version')
  fields.end()
  const end = instantOf(endText)
  return { start: undefined, end, views, ignoreEventTimestamps: false, version }
}

/** A flag of the query, which Feast's server reads as it reads booleans of a body. */
export function queryFlag(query: unknown, name: string): boolean {
  const value = (query as Body)[name]
  if (value === undefined) return false
  const read = booleanOf(value)
  if (read !== undefined) return read
  const fault: Fault = booleanFault(['query', name], value)
  throw new BodyError([fault])
}

/**
 * The job of a request, with its views by name.
 * @throws ServiceError what `viewsToMaterialize` throws, and `invalid_request` for a version that cannot be
 */
export async function jobOf(
  registry: Registry,
  { views: names, start, end, ignoreEventTimestamps, version }: MaterializeRequest,
  transform: Transformer,
  signal: AbortSignal,
): Promise<NamedJob> {
  const number = versionOf(registry, version, names)
  const views = await viewsToMaterialize(registry, names, transform, signal)
  const job = { views, start, end, ignoreEventTimestamps }
  return number === undefined ? job : { ...job, version: number }
}

type NamedJob = MaterializationJob & { readonly views: readonly string[] }

function versionOf(
  registry: Registry,
  version: string | undefined,
  names: readonly string[] | undefined,
): number | undefined {
  if (version === undefined) return undefined
  if (names?.length !== 1) throw unfit('--version requires --views with exactly one feature view.')
  if (!registry.onlineVersioning)
    throw unfit(
      "Version-aware materialization requires 'enable_online_feature_view_versioning: true' " +
        "under 'registry' in feature_store.yaml.",
    )
  if (version === '' || version.toLowerCase() === 'latest') return undefined
  const number = /^v(?:ersion)?(?<number>\d{1,9})$/i.exec(version)?.groups?.['number']
  if (number === undefined)
    throw unfit(`Invalid version string '${version}'. Expected 'latest', 'v<N>', or 'version<N>'.`)
  return Number(number)
}

function instantOf(text: string): number {
  const instant = parseInstant(text)
  if (instant === undefined)
    throw unfit(`Invalid timestamp format: '${text.slice(0, 80)}' is not ISO 8601`)
  return instant
}

function unfit(message: string): ServiceError {
  return new ServiceError('invalid_request', message)
}

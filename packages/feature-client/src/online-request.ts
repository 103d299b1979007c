import { parseReference } from '@usdcop/feast/serving/references'
import { ServiceError } from '@usdcop/service/errors'
import type { AskedColumn } from './reply.ts'
import type { Columns, FeatureSchema } from './schema.ts'
import { writeValue } from './write-value.ts'

/** A request as a caller makes it, whatever its types promise. */
export interface OnlineRequest {
  readonly featureService?: string
  readonly features?: readonly string[]
  readonly entities: Readonly<Record<string, readonly unknown[]>>
  readonly fullFeatureNames?: boolean
}

/** The body of `POST /get-online-features`. */
export function onlineBody(
  { featureService, features, entities, fullFeatureNames }: OnlineRequest,
  types: Columns,
): object {
  const columns = Object.entries(entities)
  const count = columns[0]?.[1].length
  if (columns.some(([, values]) => values.length !== count))
    throw new ServiceError('invalid_request', 'the columns of entities are not equally long')
  const written = columns.map(
    ([name, values]) =>
      [name, values.map((value) => writeValue(value, types[name], name))] as const,
  )
  return {
    ...(featureService === undefined ? { features } : { feature_service: featureService }),
    entities: Object.fromEntries(written),
    ...(fullFeatureNames === true && { full_feature_names: true }),
  }
}

/** What is known of a request without its entities. */
export interface OnlinePlan {
  /** The types of the columns that a request brings; none where nobody has told them. */
  readonly entityTypes: Columns
  /** The columns that a reply should have, entities aside; undefined where only the server knows. */
  readonly columns: readonly AskedColumn[] | undefined
}

/** Requests repeat: a model asks for the same features at every bar. */
const MAX_CACHED_PLANS = 1_000

/**
 * Plans requests, each distinct one once.
 * @throws ServiceError `invalid_request` for a reference that does not parse
 */
export function createOnlinePlanner(
  schema: FeatureSchema | undefined,
): (request: OnlineRequest) => OnlinePlan {
  const cache = new Map<string, OnlinePlan>()
  return (request) => {
    const { featureService, features = [], fullFeatureNames = false } = request
    const asked = featureService === undefined ? features.join('\n') : `\n${featureService}`
    const name = fullFeatureNames ? `full ${asked}` : asked
    const known = cache.get(name)
    if (known !== undefined) return known
    const plan = {
      entityTypes: entityTypes(schema, request),
      columns: askedColumns(schema, request),
    }
    if (cache.size >= MAX_CACHED_PLANS) cache.clear()
    cache.set(name, plan)
    return plan
  }
}

function entityTypes(
  schema: FeatureSchema | undefined,
  { featureService, features = [] }: OnlineRequest,
): Columns {
  if (schema === undefined) return {}
  if (featureService !== undefined) return schema.services[featureService]?.entities ?? {}
  const views = new Set(features.map((reference) => parseReference(reference).view))
  return Object.assign({}, ...[...views].map((view) => schema.views[view]?.entities)) as Columns
}

function askedColumns(
  schema: FeatureSchema | undefined,
  { featureService, features = [], fullFeatureNames = false }: OnlineRequest,
): readonly AskedColumn[] | undefined {
  const column = (label: string, name: string, type: AskedColumn['type']): AskedColumn => ({
    name: fullFeatureNames ? `${label}__${name}` : name,
    type,
  })
  if (featureService === undefined)
    return features.map((reference) => {
      const { view, label, feature, version } = parseReference(reference)
      // The schema describes views as they are now.
      const type = version === undefined ? schema?.views[view]?.features[feature] : undefined
      return column(label, feature, type)
    })
  const service = schema?.services[featureService]
  if (service === undefined) return undefined
  return Object.entries(service.features).flatMap(([label, columns]) =>
    Object.entries(columns).map(([name, type]) => column(label, name, type)),
  )
}

import type { FeatureRequest } from '@usdcop/feast/serving/plan'
import { z } from 'zod'
import { booleanFault, booleanOf, type Fault, faultsOf, schemaBoolean } from './body.ts'

export interface OnlineRequest extends FeatureRequest {
  readonly entities: Readonly<Record<string, readonly unknown[]>>
  /** Adds the views to the reply's metadata. */
  readonly viewMetadata: boolean
}

/** The body of `POST /get-online-features`; fields it does not name are ignored, as in Feast. */
export const OnlineRequestSchema = z.object({
  entities: z.record(z.string(), z.array(z.unknown())),
  feature_service: z.string().nullish(),
  features: z.array(z.string()).default([]),
  full_feature_names: schemaBoolean.default(false),
  include_feature_view_version_metadata: schemaBoolean.default(false),
})

/** The same by hand, because this is the hot path; a test holds the two equal. */
export function parseOnlineRequest(body: Readonly<Record<string, unknown>>): OnlineRequest {
  const faults: Fault[] = []
  const { entities, features = [], feature_service: service } = body
  if (entities === undefined) faults.push(faultsOf.missing(['entities'], body))
  else if (!isObject(entities)) faults.push(faultsOf.dict(['entities'], entities))
  else
    for (const [name, values] of Object.entries(entities))
      if (!Array.isArray(values)) faults.push(faultsOf.list(['entities', name], values))
  if (service !== undefined && service !== null && typeof service !== 'string')
    faults.push(faultsOf.text(['feature_service'], service))
  if (!Array.isArray(features)) faults.push(faultsOf.list(['features'], features))
  else
    for (const [index, feature] of features.entries())
      if (typeof feature !== 'string') faults.push(faultsOf.text(['features', index], feature))
  const fullFeatureNames = readBoolean(body, 'full_feature_names', faults)
  const viewMetadata = readBoolean(body, 'include_feature_view_version_metadata', faults)
  if (faults.length > 0) throw faultsOf.error(faults)
  return {
    entities: entities as Record<string, unknown[]>,
    features: features as string[],
    featureService: typeof service === 'string' ? service : undefined,
    fullFeatureNames,
    viewMetadata,
  }
}

function readBoolean(
  body: Readonly<Record<string, unknown>>,
  name: string,
  faults: Fault[],
): boolean {
  const value = body[name]
  if (value === undefined) return false
  const read = booleanOf(value)
  if (read === undefined) faults.push(booleanFault([name], value))
  return read ?? false
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

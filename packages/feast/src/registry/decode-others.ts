import { DUMMY_ENTITY, decodeField, decodeProjection, describedOf } from './decode-parts.ts'
import type { OnDemandView, Permission, Projection, RequestSource } from './definitions.ts'
import type { OnDemandJson, OnDemandSourceJson, PermissionJson } from './registry-json.ts'

const MODES = ['python', 'pandas', 'substrait'] as const

export function decodeOnDemandView({ spec, meta }: OnDemandJson): OnDemandView {
  const { featureTransformation: transformation = {}, features = [], singleton } = spec
  const sources = Object.values(spec.sources ?? {})
  const source = transformation.userDefinedFunction?.bodyText
  const mode = transformation.substraitTransformation === undefined ? spec.mode : 'substrait'
  const entities = (spec.entities ?? []).filter((entity) => entity !== DUMMY_ENTITY)
  return {
    name: spec.name,
    features: features.map(decodeField),
    projections: sources.flatMap(projectionIn),
    requestSources: sources.flatMap(requestIn),
    mode: MODES.find((known) => known === mode) ?? 'pandas',
    ...(spec.writeToOnlineStore === true && { writeToOnlineStore: true }),
    ...(singleton === true && { singleton }),
    ...(entities.length > 0 && { entities }),
    ...(source !== undefined && { source }),
    ...(meta?.currentVersionNumber !== undefined && { version: meta.currentVersionNumber }),
    ...describedOf(spec, meta),
  }
}

/** Old registries hold the whole view. */
function projectionIn({ featureView, featureViewProjection }: OnDemandSourceJson): Projection[] {
  if (featureViewProjection !== undefined) return [decodeProjection(featureViewProjection)]
  if (featureView === undefined) return []
  const { name, features = [] } = featureView.spec
  return [{ view: name, features: features.map((field) => field.name) }]
}

function requestIn({ requestDataSource }: OnDemandSourceJson): RequestSource[] {
  if (requestDataSource === undefined) return []
  const { name = '', requestDataOptions: { schema = [] } = {} } = requestDataSource
  return [
    { name, schema: schema.map(({ name: column, valueType }) => ({ name: column, valueType })) },
  ]
}

/** A policy of namespaces is none that a token here can meet: it names neither role nor group. */
export function decodePermission({ spec, meta }: PermissionJson): Permission {
  const { types = [], namePatterns = [], requiredTags = {}, actions = [], policy } = spec
  return {
    name: spec.name,
    types: types.map(className),
    namePatterns,
    requiredTags,
    actions,
    roles: policy?.roleBasedPolicy?.roles ?? [],
    groups: policy?.groupBasedPolicy?.groups ?? [],
    ...describedOf(spec, meta),
  }
}

/** `FEATURE_VIEW` → `FeatureView`. */
function className(type: string): string {
  return type
    .split('_')
    .map((word) => `${word.slice(0, 1)}${word.slice(1).toLowerCase()}`)
    .join('')
}

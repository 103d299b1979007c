import type { Entity, FeatureView, OnDemandView, Registry } from '../registry/definitions.ts'

/**
 * What a stored on-demand view is to who reads or writes it: a view like any other. Feast stores its
 * keys among its features.
 */
export function asStored(
  registry: Registry,
  { name, features, tags, version, entities = [] }: OnDemandView,
): FeatureView {
  const keys = entities
    .map((entity) => registry.entities.get(entity) as Entity)
    .map(({ joinKey, valueType }) => ({ name: joinKey, valueType }))
  return {
    name,
    entities,
    features: [...features, ...keys],
    tags,
    ttlMs: 0,
    pushSource: undefined,
    ...(version !== undefined && { version }),
  }
}

import { parseInstant } from '../wire/instant.ts'
import type { Described, Feature, Projection } from './definitions.ts'
import type { FieldJson, MetaJson, ProjectionJson } from './registry-json.ts'

/** Feast keeps an entity of its own for views without one. */
export const DUMMY_ENTITY = '__dummy'

export function describedOf(
  {
    tags = {},
    description,
    owner,
  }: { readonly tags?: Described['tags']; readonly description?: string; readonly owner?: string },
  { createdTimestamp, lastUpdatedTimestamp }: MetaJson = {},
): Described {
  return {
    tags,
    ...(description !== undefined && { description }),
    ...(owner !== undefined && { owner }),
    ...(createdTimestamp !== undefined && { createdAt: instantOf(createdTimestamp) }),
    ...(lastUpdatedTimestamp !== undefined && { updatedAt: instantOf(lastUpdatedTimestamp) }),
  }
}

export function instantOf(text: string): number {
  return parseInstant(text) as number
}

export function decodeField({ name, valueType, description, tags }: FieldJson): Feature {
  return {
    name,
    valueType,
    ...(description !== undefined && { description }),
    ...(tags !== undefined && { tags }),
  }
}

export function decodeProjection(projection: ProjectionJson): Projection {
  const { featureViewName, featureViewNameAlias, featureColumns = [] } = projection
  return {
    view: featureViewName,
    features: featureColumns.map(({ name }) => name),
    ...(featureViewNameAlias !== undefined && { alias: featureViewNameAlias }),
    ...(projection.joinKeyMap !== undefined && { joinKeyMap: projection.joinKeyMap }),
    ...(projection.versionTag !== undefined && { version: projection.versionTag }),
  }
}

import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { JsonObject } from '@bufbuild/protobuf'
import {
  appendVersions,
  messageFromJson,
  type RegistryMessage,
  type VersionRecord,
} from '../proto/registry-message.ts'

/** One version of a view as the history of a registry keeps it. */
export interface NewVersion {
  readonly view: string
  /** From 0; the history of a view has each number once. */
  readonly number: number
  /** The view's protobuf bytes. */
  readonly proto: Uint8Array
}

/** One version of a view as a registry tells it. */
export interface ViewVersion {
  readonly number: number
  /** Feast's word for the kind of view, as `on_demand_feature_view`. */
  readonly type: string
  /** Epoch microseconds. */
  readonly createdAtUs: number
  /** A UUID that the version alone has. */
  readonly id: string
}

export const VIEW_TYPE = 'feature_view'

export type VersionedList = 'featureViews' | 'onDemandFeatureViews'

/** Feast's word for the kinds of view whose earlier versions are read online, and where such views are. */
export const VERSIONED: ReadonlyMap<string, VersionedList> = new Map([
  [VIEW_TYPE, 'featureViews'],
  ['on_demand_feature_view', 'onDemandFeatureViews'],
])

/**
 * Whether Feast makes a new version of a view for it: another ttl, source, tag or description of the
 * view is none; another feature, also by its description or tags, is one, and so is another entity.
 * @param before protobuf's JSON of the stored view, and `after` of what takes its place
 */
export function isOtherVersion(before: JsonObject, after: JsonObject): boolean {
  return !isDeepStrictEqual(schemaOf(before), schemaOf(after))
}

function schemaOf({ spec }: JsonObject): unknown {
  const {
    features = [],
    entities = [],
    entityColumns = [],
  } = spec as {
    readonly features?: readonly { readonly name: string }[]
    readonly entities?: readonly string[]
    readonly entityColumns?: readonly { readonly name: string }[]
  }
  const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1)
  return [features.toSorted(byName), entities.toSorted(), entityColumns.toSorted(byName)]
}

/** The highest number that the history of a registry in a file has of each view of a project. */
export function lastVersions(
  { featureViewVersionHistory: history }: RegistryMessage,
  project: string,
): ReadonlyMap<string, number> {
  const last = new Map<string, number>()
  for (const { projectId, featureViewName: name, versionNumber } of history?.records ?? [])
    if (projectId === project) last.set(name, Math.max(versionNumber, last.get(name) ?? 0))
  return last
}

/** The versions of a view in the history of a registry in a file, the first one first. */
export function versionsOf(
  { featureViewVersionHistory: history }: RegistryMessage,
  project: string,
  view: string,
): readonly ViewVersion[] {
  return (history?.records ?? [])
    .filter(({ projectId, featureViewName }) => projectId === project && featureViewName === view)
    .map(({ versionNumber, featureViewType, createdTimestamp, versionId }) => ({
      number: versionNumber,
      type: featureViewType,
      createdAtUs:
        Number(createdTimestamp?.seconds ?? 0) * 1e6 +
        Math.floor((createdTimestamp?.nanos ?? 0) / 1_000),
      id: versionId,
    }))
    .toSorted((a, b) => a.number - b.number)
}

/** @param now epoch milliseconds */
export function recordVersions(
  message: RegistryMessage,
  project: string,
  versions: readonly NewVersion[],
  now: number,
): void {
  if (versions.length === 0) return
  const records = versions.map(({ view, number, proto }) =>
    messageFromJson<VersionRecord>('FeatureViewVersionRecord', {
      featureViewName: view,
      projectId: project,
      versionNumber: number,
      featureViewType: VIEW_TYPE,
      featureViewProto: Buffer.from(proto).toString('base64'),
      createdTimestamp: new Date(now).toISOString(),
      versionId: randomUUID(),
    }),
  )
  appendVersions(message, records)
}

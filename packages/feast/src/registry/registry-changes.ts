import { isDeepStrictEqual } from 'node:util'
import type { JsonObject, JsonValue, Message } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import {
  type MessageName,
  messageFromJson,
  messageJson,
  type RegistryMessage,
  writeObject,
} from '../proto/registry-message.ts'
import { DUMMY_ENTITY } from './decode-parts.ts'
import type { EncodedProject } from './encode-definitions.ts'
import type { RegistryChange } from './registry-store.ts'
import { isOtherVersion, type NewVersion } from './view-versions.ts'

/** In the order in which Feast tells of them. */
export const APPLIED = [
  ['projects', 'Project'],
  ['dataSources', 'DataSource'],
  ['entities', 'Entity'],
  ['featureViews', 'FeatureView'],
  ['onDemandFeatureViews', 'OnDemandFeatureView'],
  ['streamFeatureViews', 'StreamFeatureView'],
  ['featureServices', 'FeatureService'],
  ['permissions', 'Permission'],
] as const satisfies readonly (readonly [keyof EncodedProject, MessageName])[]

interface Kept {
  readonly name?: string
  readonly project?: string
  readonly spec?: { readonly name: string; readonly project?: string }
}

export interface Applied {
  readonly changes: readonly RegistryChange[]
  /** What the history of the registry is to have more. */
  readonly versions: readonly NewVersion[]
}

export interface ProjectToApply {
  readonly project: string
  readonly wanted: EncodedProject
  /** The highest number of each view in the registry's history. */
  readonly lastVersions: ReadonlyMap<string, number>
  /** Epoch milliseconds. */
  readonly now: number
}

/**
 * Puts one project's objects into a registry in the place of those it had; those of other projects,
 * and what is equal but for its times, stay the very same. A feature view that is new, or another, is
 * a version for the history; its number goes into the view.
 */
export function applyProject(
  message: RegistryMessage,
  { project, wanted, lastVersions, now }: ProjectToApply,
): Applied {
  const versions: NewVersion[] = []
  const changes = APPLIED.flatMap(([list, kind]) => {
    const messages = message[list] as Message[]
    const left = new Map(wanted[list].map((json) => [nameOf(json), json] as const))
    const told: RegistryChange[] = []
    const isVersioned = list === 'featureViews'
    /** @param before the stored object and protobuf's JSON of it */
    const renewed = (json: JsonObject, before?: readonly [Message, JsonObject]): Message => {
      const name = nameOf(json)
      const meta = {
        createdTimestamp: isoOf(now),
        ...(before?.[1]['meta'] as JsonObject),
        lastUpdatedTimestamp: isoOf(now),
      }
      if (!isVersioned || (before !== undefined && !isOtherVersion(before[1], json)))
        return messageFromJson(kind, { ...json, meta })
      const last = lastVersions.get(name)
      // A registry of before there was a history: the view that is there is its first version.
      if (last === undefined && before !== undefined)
        versions.push({ view: name, number: 0, proto: writeObject(list, before[0]) })
      const number = last === undefined ? (before === undefined ? 0 : 1) : last + 1
      const made = messageFromJson(kind, {
        ...json,
        meta: { ...meta, currentVersionNumber: number },
      })
      versions.push({ view: name, number, proto: writeObject(list, made) })
      return made
    }
    const kept = messages.flatMap((stored) => {
      if (!isOf(stored, project, list)) return [stored]
      const name = nameOf(stored)
      const json = left.get(name)
      left.delete(name)
      if (json === undefined) {
        told.push({ kind, name, change: 'deleted' })
        return []
      }
      const before = messageJson(kind, stored)
      const after = messageJson(kind, messageFromJson(kind, json))
      const isSame = isDeepStrictEqual(comparable(before), comparable(after))
      told.push({ kind, name, change: isSame ? 'unchanged' : 'updated' })
      return [isSame ? stored : renewed(after, [stored, before])]
    })
    const created = [...left].map(([name, json]) => {
      told.push({ kind, name, change: 'created' })
      return renewed(json)
    })
    Object.assign(message, { [list]: [...kept, ...created] })
    return told.filter(({ name }) => name !== DUMMY_ENTITY)
  })
  const gone = deletedViews(changes)
  const history = message.featureViewVersionHistory
  if (history !== undefined)
    history.records = history.records.filter(
      ({ projectId, featureViewName }) => projectId !== project || !gone.has(featureViewName),
    )
  return { changes, versions }
}

/** Earlier versions go with their view, as in Feast, which counts from 0 again when it comes back. */
export function deletedViews(changes: readonly RegistryChange[]): ReadonlySet<string> {
  return new Set(
    changes
      .filter(({ kind, change }) => change === 'deleted' && kind.endsWith('FeatureView'))
      .map(({ name }) => name),
  )
}

/** Takes a project out of a registry, with its saved data sets, label views and earlier versions. */
export function deleteProjectOf(message: RegistryMessage, project: string): void {
  for (const [list] of APPLIED)
    Object.assign(message, {
      [list]: (message[list] as Message[]).filter((each) => !isOf(each, project, list)),
    })
  const ofOthers = (each: Kept): boolean => (each.spec?.project ?? each.project) !== project
  message.labelViews = message.labelViews.filter(ofOthers)
  message.savedDatasets = message.savedDatasets.filter(ofOthers)
  message.validationReferences = message.validationReferences.filter(ofOthers)
  message.projectMetadata = message.projectMetadata.filter(ofOthers)
  const history = message.featureViewVersionHistory
  if (history !== undefined)
    history.records = history.records.filter(({ projectId }) => projectId !== project)
}

/** Every write leaves its mark, by which Feast tells that the registry is another. */
export function markChanged(message: RegistryMessage, versionId: string, now: number): void {
  message.registrySchemaVersion = '1'
  message.versionId = versionId
  message.lastUpdated = timestampFromMs(now)
}

function isOf(message: Message, project: string, list: keyof EncodedProject): boolean {
  const { spec, project: own } = message as Kept
  return (list === 'projects' ? spec?.name : (spec?.project ?? own)) === project
}

export function nameOf(object: unknown): string {
  const { spec, name } = object as Kept
  return spec?.name ?? name ?? ''
}

/**
 * Sources inside views carry times of their own; and their class, which their type says already, only
 * where Feast wrote the view as a whole.
 */
function comparable(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(comparable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, of]) => key !== 'meta' || typeof of !== 'object')
      .filter(([key]) => key !== 'dataSourceClassType' || value['type'] === undefined)
      .map(([key, of]) => [key, comparable(of)]),
  )
}

function isoOf(now: number): string {
  return new Date(now).toISOString()
}

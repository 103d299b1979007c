import { type ListName, objectJson } from '../proto/registry-message.ts'
import {
  decodeEntity,
  decodePushSource,
  decodeService,
  decodeSource,
  decodeView,
} from './decode-definitions.ts'
import { decodeOnDemandView, decodePermission } from './decode-others.ts'
import { DUMMY_ENTITY } from './decode-parts.ts'
import type {
  BatchSource,
  Definitions,
  FeatureService,
  FeatureView,
  OnDemandView,
  Permission,
  PushSource,
} from './definitions.ts'
import type {
  EntityJson,
  FieldJson,
  OnDemandJson,
  PermissionJson,
  ServiceJson,
  SourceJson,
  ViewJson,
} from './registry-json.ts'
import type { VersionedList } from './view-versions.ts'

/** One object of a registry in our words, as long as it is not known what else the project has. */
export type Part =
  | { readonly kind: 'entity'; readonly project: string; readonly entity: EntityJson }
  | {
      readonly kind: 'view'
      readonly project: string
      readonly view: FeatureView
      readonly keys: readonly FieldJson[]
    }
  | {
      readonly kind: 'version'
      readonly project: string
      readonly number: number
      readonly view: FeatureView
    }
  | {
      readonly kind: 'onDemandVersion'
      readonly project: string
      readonly number: number
      readonly view: OnDemandView
    }
  | { readonly kind: 'service'; readonly project: string; readonly service: FeatureService }
  | { readonly kind: 'pushSource'; readonly project: string; readonly source: PushSource }
  | { readonly kind: 'batchSource'; readonly project: string; readonly source: BatchSource }
  | { readonly kind: 'onDemandView'; readonly project: string; readonly view: OnDemandView }
  | { readonly kind: 'permission'; readonly project: string; readonly permission: Permission }
  /** What serving has no word for. */
  | { readonly kind: 'other'; readonly project: undefined }

const OTHER: Part = { kind: 'other', project: undefined }

/** @throws Error where the bytes are no object of that list */
export function partOf(list: ListName, bytes: Uint8Array): Part {
  const decode = DECODERS[list]
  return decode === undefined ? OTHER : decode(objectJson(list, bytes))
}

/** A view as the record of one of its versions keeps it. */
export function versionPart(
  list: VersionedList,
  project: string,
  number: number,
  view: Uint8Array,
): Part {
  const json: object = objectJson(list, view)
  return list === 'featureViews'
    ? { kind: 'version', project, number, view: decodeView(json as ViewJson) }
    : {
        kind: 'onDemandVersion',
        project,
        number,
        view: decodeOnDemandView(json as OnDemandJson),
      }
}

const DECODERS: Partial<Record<ListName, (json: object) => Part>> = {
  entities: (json) => {
    const entity = json as EntityJson
    return { kind: 'entity', project: entity.spec.project, entity }
  },
  featureViews: viewPart,
  streamFeatureViews: viewPart,
  featureServices: (json) => {
    const service = json as ServiceJson
    return { kind: 'service', project: service.spec.project, service: decodeService(service) }
  },
  onDemandFeatureViews: (json) => {
    const view = json as OnDemandJson
    return { kind: 'onDemandView', project: view.spec.project, view: decodeOnDemandView(view) }
  },
  dataSources: (json) => {
    const source = json as SourceJson
    const { type, project = '' } = source
    if (type === 'REQUEST_SOURCE') return OTHER
    return type === 'PUSH_SOURCE'
      ? { kind: 'pushSource', project, source: decodePushSource(source) }
      : { kind: 'batchSource', project, source: decodeSource(source) }
  },
  permissions: (json) => {
    const permission = json as PermissionJson
    const { project } = permission.spec
    return { kind: 'permission', project, permission: decodePermission(permission) }
  },
}

function viewPart(json: object): Part {
  const view = json as ViewJson
  const { project, entityColumns = [] } = view.spec
  return { kind: 'view', project, view: decodeView(view), keys: entityColumns }
}

type Of<K extends Part['kind']> = Extract<Part, { readonly kind: K }>

/** One project of a registry, of its parts in the order they are kept. */
export function definitionsOf(project: string, parts: readonly Part[]): Definitions {
  const own = <K extends Part['kind']>(kind: K) =>
    parts.filter((part): part is Of<K> => part.kind === kind && part.project === project)
  const views = own('view')
  const keyTypes = new Map<string, string>()
  for (const { name, valueType } of views.flatMap(({ keys }) => keys))
    if (!keyTypes.has(name)) keyTypes.set(name, valueType)
  const histories = historiesOf(own('version'))
  const onDemandHistories = historiesOf(own('onDemandVersion'))
  return {
    project,
    entities: own('entity')
      .filter(({ entity }) => entity.spec.name !== DUMMY_ENTITY)
      .map(({ entity }) => decodeEntity(entity, keyTypes)),
    views: views.map(({ view }) => withHistory(view, histories)),
    services: own('service').map(({ service }) => service),
    pushSources: own('pushSource').map(({ source }) => source),
    onDemandViews: own('onDemandView').map(({ view }) => withHistory(view, onDemandHistories)),
    batchSources: own('batchSource').map(({ source }) => source),
    permissions: own('permission').map(({ permission }) => permission),
  }
}

type Histories<V> = ReadonlyMap<string, ReadonlyMap<number, V>>

function historiesOf<V extends { readonly name: string }>(
  versions: readonly { readonly number: number; readonly view: V }[],
): Histories<V> {
  const histories = new Map<string, Map<number, V>>()
  for (const { number, view } of versions) {
    const history = histories.get(view.name) ?? new Map<number, V>()
    histories.set(view.name, history.set(number, view))
  }
  return histories
}

function withHistory<V extends { readonly name: string }>(view: V, histories: Histories<V>): V {
  const history = histories.get(view.name)
  return history === undefined ? view : { ...view, history }
}

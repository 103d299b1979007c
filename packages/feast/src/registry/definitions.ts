import type { EntityType } from '../wire/entity-key.ts'
import type { Value, ValueType } from '../wire/value.ts'

export type Tags = Readonly<Record<string, string>>

/** What every object of a Feast registry may carry. Absent is Feast's empty. */
export interface Described {
  readonly tags: Tags
  readonly description?: string
  readonly owner?: string
  /** Epoch milliseconds; set by whoever applies. */
  readonly createdAt?: number
  readonly updatedAt?: number
}

export interface Entity extends Described {
  readonly name: string
  readonly joinKey: string
  readonly valueType: EntityType
}

/** A typed column: Feast's Field. */
export interface Feature {
  readonly name: string
  readonly valueType: ValueType
  readonly description?: string
  readonly tags?: Tags
}

/** Where a view's history lies. */
export interface BatchSource extends Described {
  readonly name: string
  /** Feast's `DataSource.SourceType`; only files are read here, the others are carried and named. */
  readonly kind: string
  /** A file source's path or URI: one Parquet file, a folder or a glob. */
  readonly path?: string
  readonly timestampField: string
  readonly createdTimestampField?: string
  /** Source column → feature name. */
  readonly fieldMapping?: Readonly<Record<string, string>>
}

/** Rows arrive by `POST /push` under this name. */
export interface PushSource extends Partial<Described> {
  readonly name: string
  /** The column that holds the event time. */
  readonly timestampField: string
  /** Names the source that keeps the history of what is pushed. */
  readonly batchSource?: string
}

/** From when to when a view has been materialized, epoch milliseconds, both inclusive. */
export interface Interval {
  readonly start: number
  readonly end: number
}

export interface FeatureView extends Described {
  readonly name: string
  /** Names of its entities; none makes an entity-less view, one row for all. */
  readonly entities: readonly string[]
  readonly features: readonly Feature[]
  /** 0 means that rows never grow too old. */
  readonly ttlMs: number
  readonly pushSource: string | undefined
  readonly batchSource?: BatchSource
  /** False refuses reading and writing it online. Absent is true. */
  readonly online?: boolean
  /** Feast's switch on a view that is defined but out of use. */
  readonly disabled?: boolean
  readonly intervals?: readonly Interval[]
  /** Feast's current version of the view; absent or 0 is the first. */
  readonly version?: number
  /** Earlier versions that may still be read as `view@vN`, by number. */
  readonly history?: ReadonlyMap<number, FeatureView>
}

/** The features of one view that a service, or an on-demand view, uses. */
export interface Projection {
  readonly view: string
  readonly features: readonly string[]
  /** The name that references and full names use instead of the view's. */
  readonly alias?: string
  /** The view's join key → the column of the request that holds it. */
  readonly joinKeyMap?: Readonly<Record<string, string>>
  /** Reads that version of the view. */
  readonly version?: number
}

export interface FeatureService extends Described {
  readonly name: string
  readonly projections: readonly Projection[]
  /** One stored vector an entity answers for the whole service. */
  readonly precomputeOnline?: boolean
}

/** Columns that an on-demand view takes from the request itself. */
export interface RequestSource {
  readonly name: string
  readonly schema: readonly { readonly name: string; readonly valueType: ValueType }[]
}

export type OnDemandRow = Readonly<Record<string, Value>>

export interface OnDemandView extends Described {
  readonly name: string
  readonly features: readonly Feature[]
  readonly projections: readonly Projection[]
  readonly requestSources: readonly RequestSource[]
  /** How Feast would run it: `python`, `pandas` or `substrait`; `typescript` runs here. */
  readonly mode: 'python' | 'pandas' | 'substrait' | 'typescript'
  /** Present for `typescript` alone: one row of inputs by name to one row of its features. */
  readonly transform?: (inputs: OnDemandRow) => OnDemandRow
  /** Computed at write and stored, and so read as any other view. */
  readonly writeToOnlineStore?: boolean
  readonly singleton?: boolean
  /** Names of the entities of a view that is stored. */
  readonly entities?: readonly string[]
  /** Feast's current version of the view; absent or 0 is the first. */
  readonly version?: number
  /** Earlier versions, by number; of a stored one they may still be read as `view@vN`. */
  readonly history?: ReadonlyMap<number, OnDemandView>
  /** The Python text that Feast keeps beside the pickled function. */
  readonly source?: string
}

/** Feast's Permission: who may do what to which objects of the registry. */
export interface Permission extends Described {
  readonly name: string
  /** Feast's class names, as `FeatureView`; empty means every type. */
  readonly types: readonly string[]
  /** Regular expressions, whole match; empty means every name. */
  readonly namePatterns: readonly string[]
  readonly requiredTags: Tags
  /** As `READ_ONLINE`. */
  readonly actions: readonly string[]
  /** Any of them is enough. */
  readonly roles: readonly string[]
  readonly groups: readonly string[]
}

/** One Feast project as its author wrote it down. */
export interface Definitions {
  readonly project: string
  readonly entities: readonly Entity[]
  readonly views: readonly FeatureView[]
  readonly services: readonly FeatureService[]
  readonly pushSources: readonly PushSource[]
  readonly onDemandViews?: readonly OnDemandView[]
  /** Sources that views name or that stand alone; a view's own `batchSource` need not be repeated. */
  readonly batchSources?: readonly BatchSource[]
  readonly permissions?: readonly Permission[]
  /** Feast's `enable_online_feature_view_versioning`: `view@vN` may be asked for. */
  readonly onlineVersioning?: boolean
}

/** The definitions of one Feast project, checked to name only what they contain. */
export interface Registry {
  readonly project: string
  readonly entities: ReadonlyMap<string, Entity>
  readonly views: ReadonlyMap<string, FeatureView>
  readonly services: ReadonlyMap<string, FeatureService>
  readonly pushSources: ReadonlyMap<string, PushSource>
  readonly onDemandViews: ReadonlyMap<string, OnDemandView>
  readonly batchSources: ReadonlyMap<string, BatchSource>
  readonly permissions: readonly Permission[]
  readonly onlineVersioning: boolean
}

/** Whoever serves asks for it anew at each request, so that a reload takes effect between two of them. */
export interface RegistrySource {
  /** The same object until the definitions change. */
  readonly current: Registry
}

import type { NameOf } from './online-types.ts'
import type { Columns, FeatureSchema } from './schema.ts'
import type { Instant, Json, WrittenValue } from './value-types.ts'

/** Where a push goes. */
export type PushTarget = 'online' | 'offline' | 'online_and_offline'

export type PushSourceName<S extends FeatureSchema> = NameOf<S['pushSources']>
/** Views that rows may be written to. */
export type WritableView<S extends FeatureSchema> = {
  [V in NameOf<S['views']>]: 'timestampField' extends keyof S['views'][V] ? V : never
}[NameOf<S['views']>]

export interface PushRequest<S extends FeatureSchema, N extends string> {
  readonly source: N
  readonly rows: readonly WrittenRow<S['pushSources'][N]>[]
  /** `online` unless given. */
  readonly to?: PushTarget
}

export interface WriteRequest<S extends FeatureSchema, V extends string> {
  readonly view: V
  readonly rows: readonly WrittenRow<S['views'][V]>[]
}

/** One row to be written: every join key, every feature (null where there is no value), its time. */
export type WrittenRow<T> = T extends {
  readonly entities: infer Entities extends Columns
  readonly features: infer Features extends Columns
  readonly timestampField?: infer Time
}
  ? string extends Time
    ? UntypedRow
    : { readonly [K in NameOf<Entities>]: WrittenValue<Entities[K]> } & {
        readonly [K in NameOf<Features>]: WrittenValue<Features[K]> | null
      } & { readonly [K in Extract<Time, string>]: Instant } & CreatedColumn<T>
  : never

type CreatedColumn<T> = T extends { readonly createdTimestampField: infer Created extends string }
  ? { readonly [K in Created]?: Instant }
  : unknown

/** A row by a client without a schema; a time is a Date or ISO 8601 text. */
export type UntypedRow = Readonly<Record<string, Json | Date>>

/** From when to when, both inclusive; `all` takes every row there is, whatever its time. */
export type MaterializeRequest<S extends FeatureSchema> = MaterializeOptions<S> &
  (
    | { readonly start: Instant; readonly end: Instant; readonly all?: false }
    | { readonly all: true; readonly start?: undefined; readonly end?: undefined }
  )

/** Goes on from where each view was left. */
export interface MaterializeIncrementalRequest<S extends FeatureSchema>
  extends MaterializeOptions<S> {
  readonly end: Instant
}

export interface MaterializeOptions<S extends FeatureSchema> {
  /** All that can be materialized unless given. */
  readonly views?: readonly WritableView<S>[]
  /** Return as soon as the server has taken the job on; what becomes of it stands in its log. */
  readonly background?: boolean
}

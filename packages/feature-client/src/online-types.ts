import type { Status } from '@usdcop/feast/serving/ttl'
import type { Columns, FeatureSchema } from './schema.ts'
import type { ReadValue, WrittenValue } from './value-types.ts'

export type NameOf<T> = Extract<keyof T, string>
export type Merged<Union> = (Union extends unknown ? (one: Union) => void : never) extends (
  all: infer All,
) => void
  ? All
  : never

/** One feature of one row as it was served. */
export interface Cell<Value> {
  /** Null whenever there is no value, and then also under `PRESENT` where real Feast serves. */
  readonly value: Value | null
  readonly status: Status
  /** Epoch milliseconds with microseconds as their fraction; null where Feast knows none. */
  readonly eventTimestamp: number | null
}

/** What was served for one entity. */
export interface OnlineRow<Entities, Features> {
  /** As the request gave it. */
  readonly entities: Entities
  /** By name, full where full names were asked for. What the server left out is `NOT_FOUND`. */
  readonly features: Features
}

export interface OnlineReply<Row> {
  /** In the order of the request's entities. */
  readonly rows: readonly Row[]
  /** The definition under which all rows were computed; null where the server names none. */
  readonly definitionHash: string | null
}

export type ServiceName<S extends FeatureSchema> = NameOf<S['services']>

/** `view:feature`. */
export type FeatureRef<S extends FeatureSchema> = {
  [View in NameOf<S['views']>]: `${View}:${NameOf<S['views'][View]['features']>}`
}[NameOf<S['views']>]

export interface ServiceRequest<S extends FeatureSchema, N extends string, Full extends boolean> {
  readonly featureService: N
  readonly entities: EntityColumns<ServiceEntities<S, N>>
  readonly fullFeatureNames?: Full
}

export interface FeaturesRequest<S extends FeatureSchema, R extends string, Full extends boolean> {
  readonly features: readonly R[]
  readonly entities: EntityColumns<RefEntities<S, R>>
  readonly fullFeatureNames?: Full
}

export type ServiceRow<S extends FeatureSchema, N extends string, Full extends boolean> = OnlineRow<
  EntityValues<ServiceEntities<S, N>>,
  Cells<
    Full extends true
      ? FullNames<S['services'][N]['features']>
      : Merged<S['services'][N]['features'][NameOf<S['services'][N]['features']>]>
  >
>

export type FeaturesRow<
  S extends FeatureSchema,
  R extends string,
  Full extends boolean,
> = OnlineRow<
  EntityValues<RefEntities<S, R>>,
  Cells<{ readonly [Ref in R as ColumnOf<Ref, Full>]: TypeOf<S, Ref> }>
>

type ServiceEntities<S extends FeatureSchema, N extends string> = S['services'][N]['entities']
type RefEntities<S extends FeatureSchema, R extends string> = Merged<
  S['views'][ViewOf<R>]['entities']
>

/** Columns of equal length, one value an entity. Where a view has no entity any column will do. */
export type EntityColumns<E> = [NameOf<E>] extends [never]
  ? Readonly<Record<string, readonly (string | number)[]>>
  : { readonly [K in NameOf<E>]: readonly WrittenOf<E[K]>[] }

type EntityValues<E> = [NameOf<E>] extends [never]
  ? Readonly<Record<string, string | number>>
  : { readonly [K in NameOf<E>]: WrittenOf<E[K]> }

type WrittenOf<T> = T extends Columns[string] ? WrittenValue<T> : never
type Cells<F> = {
  readonly [K in keyof F]: Cell<F[K] extends Columns[string] ? ReadValue<F[K]> : never>
}

type ViewOf<R extends string> = R extends `${infer View}:${string}` ? View : never
type ColumnOf<R extends string, Full extends boolean> = R extends `${infer View}:${infer Feature}`
  ? Full extends true
    ? `${View}__${Feature}`
    : Feature
  : never
type TypeOf<S extends FeatureSchema, R extends string> = R extends `${infer View}:${infer Feature}`
  ? S['views'][View]['features'][Feature]
  : never
type FullNames<F> = Merged<
  {
    [Label in NameOf<F>]: {
      readonly [Name in NameOf<F[Label]> as `${Label}__${Name}`]: F[Label][Name]
    }
  }[NameOf<F>]
>

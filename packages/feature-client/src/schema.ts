import type { ValueType } from '@usdcop/feast/wire/value-types'

/** Names and the Feast type of each. */
export type Columns = Readonly<Record<string, ValueType>>

/**
 * What a project serves, as far as a client must know it. `usdcop feast client-types` writes one of any
 * registry as a constant, of which the client infers all its types.
 */
export interface FeatureSchema {
  readonly project: string
  readonly views: Readonly<Record<string, ViewSchema>>
  readonly services: Readonly<Record<string, ServiceSchema>>
  readonly pushSources: Readonly<Record<string, PushSchema>>
}

export interface ViewSchema {
  /** What a request must bring to read it: join keys and, of an on-demand view, its request data. */
  readonly entities: Columns
  readonly features: Columns
  /** The column of event times where rows are written to it; an on-demand view has none. */
  readonly timestampField?: string
}

export interface ServiceSchema {
  /** What a request must bring, join keys under the names that the service maps them to. */
  readonly entities: Columns
  /** By view, or by what full feature names use instead of its name: an alias, `view@v2`. */
  readonly features: Readonly<Record<string, Columns>>
}

/** The columns of rows that are pushed: those of all views behind the source. */
export interface PushSchema {
  readonly entities: Columns
  readonly features: Columns
  readonly timestampField: string
  /** A column of rows that go offline. */
  readonly createdTimestampField?: string
}

import type { ValueType } from '../wire/value-types.ts'
import type { Tags } from './definitions.ts'

/*
 * The objects of Feast's registry in protobuf's JSON, as far as we look into them: what is empty is
 * absent, times are ISO 8601 and durations seconds.
 */

export interface MetaJson {
  readonly createdTimestamp?: string
  readonly lastUpdatedTimestamp?: string
  /** Of views alone. */
  readonly currentVersionNumber?: number
}

interface SpecJson {
  readonly name: string
  readonly project: string
  readonly tags?: Tags
  readonly description?: string
  readonly owner?: string
}

export interface EntityJson {
  readonly spec: SpecJson & { readonly valueType?: string; readonly joinKey?: string }
  readonly meta?: MetaJson
}

export interface FieldJson {
  readonly name: string
  readonly valueType: ValueType
  readonly description?: string
  readonly tags?: Tags
}

export interface SourceJson extends Partial<SpecJson> {
  readonly type?: string
  readonly fieldMapping?: Readonly<Record<string, string>>
  readonly timestampField?: string
  readonly createdTimestampColumn?: string
  readonly fileOptions?: { readonly uri?: string }
  readonly batchSource?: SourceJson
  readonly requestDataOptions?: { readonly schema?: readonly FieldJson[] }
  readonly meta?: MetaJson
}

export interface ViewJson {
  readonly spec: SpecJson & {
    readonly entities?: readonly string[]
    readonly features?: readonly FieldJson[]
    readonly entityColumns?: readonly FieldJson[]
    readonly ttl?: string
    readonly batchSource?: SourceJson
    readonly streamSource?: SourceJson
    readonly online?: boolean
    readonly disabled?: boolean
  }
  readonly meta?: MetaJson & {
    readonly materializationIntervals?: readonly { startTime?: string; endTime?: string }[]
  }
}

export interface ProjectionJson {
  readonly featureViewName: string
  readonly featureViewNameAlias?: string
  readonly featureColumns?: readonly FieldJson[]
  readonly joinKeyMap?: Readonly<Record<string, string>>
  readonly versionTag?: number
}

export interface ServiceJson {
  readonly spec: SpecJson & {
    readonly features?: readonly ProjectionJson[]
    readonly precomputeOnline?: boolean
  }
  readonly meta?: MetaJson
}

export interface TransformationJson {
  readonly userDefinedFunction?: { readonly bodyText?: string }
  readonly substraitTransformation?: object
}

export interface OnDemandJson {
  readonly spec: SpecJson & {
    readonly features?: readonly FieldJson[]
    readonly sources?: Readonly<Record<string, OnDemandSourceJson>>
    readonly featureTransformation?: TransformationJson
    readonly mode?: string
    readonly writeToOnlineStore?: boolean
    readonly singleton?: boolean
    readonly entities?: readonly string[]
  }
  readonly meta?: MetaJson
}

export interface OnDemandSourceJson {
  readonly featureView?: ViewJson
  readonly featureViewProjection?: ProjectionJson
  readonly requestDataSource?: SourceJson
}

export interface PermissionJson {
  readonly spec: SpecJson & {
    readonly types?: readonly string[]
    readonly namePatterns?: readonly string[]
    readonly requiredTags?: Tags
    readonly actions?: readonly string[]
    readonly policy?: {
      readonly roleBasedPolicy?: { readonly roles?: readonly string[] }
      readonly groupBasedPolicy?: { readonly groups?: readonly string[] }
      readonly namespaceBasedPolicy?: object
      readonly combinedGroupNamespacePolicy?: object
    }
  }
  readonly meta?: MetaJson
}

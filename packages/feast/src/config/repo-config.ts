import type { PostgresConnection } from './postgres-url.ts'

/** A Feast repository's `feature_store.yaml`, read and judged. */
export interface RepoConfig {
  readonly project: string
  readonly registry: RegistryConfig
  readonly onlineStore: OnlineStoreConfig
  readonly auth: AuthConfig
  /** gRPC address of Feast's transformation service, for on-demand views in Python. */
  readonly transformationEndpoint: string | undefined
  /** Rows a write to the online store; undefined leaves it to us. */
  readonly onlineWriteBatchSize: number | undefined
}

export type RegistryConfig = {
  /** How long a read registry is good for; 0 is for ever, as in Feast. */
  readonly cacheTtlMs: number
  /** `view@vN` may be asked for. */
  readonly onlineVersioning: boolean
} & ({ readonly type: 'file'; readonly path: string } | SqlRegistryConfig)

export interface SqlRegistryConfig {
  readonly type: 'sql'
  readonly connection: PostgresConnection
  /** A replica, where there is one; else the same. */
  readonly readConnection: PostgresConnection
  /** Whether missing tables are made. */
  readonly makesTables: boolean
  /** Whether `feast_metadata` is written. */
  readonly keepsMetadata: boolean
}

export type OnlineStoreConfig = RedisConfig | LmdbConfig

export interface RedisConfig {
  readonly type: 'redis'
  readonly redisType: 'redis' | 'redis_cluster' | 'redis_sentinel'
  /** Sentinels for `redis_sentinel`. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[]
  readonly sentinelMaster: string
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
  readonly tls: boolean
  /** Each write gives its entity that long to live. */
  readonly keyTtlSeconds: number | undefined
  /** Writes whatever the stored event time. */
  readonly skipDedup: boolean
}

/** Ours: embedded, for a machine without Redis. */
export interface LmdbConfig {
  readonly type: 'lmdb'
  readonly path: string
}

export type AuthConfig =
  | { readonly type: 'no_auth' }
  | {
      readonly type: 'oidc'
      readonly discoveryUrl: string
      readonly clientId: string | undefined
      readonly audience: string | undefined
      readonly issuer: string | undefined
      readonly verifySsl: boolean
      readonly caCertPath: string | undefined
      /** How long the provider's keys are good for. */
      readonly jwksCacheMs: number
      /** How long the provider may take to answer. */
      readonly timeoutMs: number
    }

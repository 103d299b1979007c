import { checkCredentials } from '@usdcop/connections/config'
import type { Serving } from '@usdcop/feast/serving/ttl'
import { type ApiKey, apiKeysSchema } from '@usdcop/service/auth'
import { type ClockSettings, clockSchema } from '@usdcop/service/clock-config'
import { logLevelSchema, parseEnv, portSchema } from '@usdcop/service/config'
import { serviceVaultSchema, type VaultSettings, vaultPathSchema } from '@usdcop/vault/vault-config'
import { z } from 'zod'
import { type Capacity, DEFAULT_LIMITS, type Limits } from './limits.ts'

const count = (least: number) => z.coerce.number().int().min(least)

const variables = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: portSchema.default(6566),
  LOG_LEVEL: logLevelSchema,
  API_KEYS: apiKeysSchema,
  API_KEYS_SECRET: vaultPathSchema.optional(),
  CONTRACT_FILE: z.string().default('config/contracts/observation-15d.v1.json'),
  DATA_DIR: z.string().default('.usdcop'),
  FEAST_REPO: z.string().optional(),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
  REDIS_SECRET: vaultPathSchema.optional(),
  FEAST_TTL: z.enum(['mark', 'enforce']).default('mark'),
  FEAST_PARITY: z.enum(['lenient', 'strict']).default('lenient'),
  OIDC_DISCOVERY_URL: z.url({ protocol: /^https?$/ }).optional(),
  OIDC_CLIENT_ID: z.string().optional(),
  OIDC_AUDIENCE: z.string().optional(),
  OIDC_ISSUER: z.string().optional(),
  OIDC_CA_FILE: z.string().optional(),
  WORKERS: count(1).max(64).default(1),
  MAX_BODY_BYTES: z.coerce.number().int().min(1_024).default(DEFAULT_LIMITS.bodyBytes),
  MAX_ROWS: count(1).default(DEFAULT_LIMITS.rows),
  MAX_CELLS: count(1).default(DEFAULT_LIMITS.cells),
  MAX_CONCURRENT_REQUESTS: count(1).default(DEFAULT_LIMITS.concurrentRequests),
  REQUEST_TIMEOUT_MS: count(1).max(600_000).default(DEFAULT_LIMITS.requestTimeoutMs),
  MAX_EVENT_LOOP_DELAY_MS: count(0).default(DEFAULT_LIMITS.eventLoopDelayMs),
})

const Env = variables
  .and(clockSchema)
  .and(serviceVaultSchema)
  .superRefine(checkCredentials)
  .refine(
    ({ REDIS_SECRET: secret, FEAST_REPO: folder }) => secret === undefined || folder === undefined,
    { path: ['REDIS_SECRET'], error: 'FEAST_REPO names a store, and its password, of its own' },
  )

export interface Config {
  /** Undefined is wall time. */
  readonly clock: ClockSettings | undefined
  readonly host: string
  readonly port: number
  readonly logLevel: string
  readonly apiKeys: readonly ApiKey[]
  readonly apiKeysSecret: string | undefined
  readonly contractFile: string
  /** Holds `online/`, the LMDB store, unless `redisUrl` is given. */
  readonly dataDirectory: string
  readonly redisUrl: string | undefined
  readonly redisSecret: string | undefined
  /** Where the secrets of this service are; undefined where they are in variables and files. */
  readonly vault: VaultSettings | undefined
  /** A Feast repository to serve in the place of this platform's own features. */
  readonly repository:
    | {
        readonly directory: string
        /** What `feature_store.yaml` may name as `${VARIABLE}`. */
        readonly variables: NodeJS.ProcessEnv
      }
    | undefined
  /** `FEAST_PARITY=strict` ignores ttl, as Feast does. */
  readonly serving: Serving
  /** Who gives out tokens; undefined leaves it to the API keys. */
  readonly oidc:
    | {
        readonly discoveryUrl: string
        readonly clientId: string | undefined
        readonly audience: string | undefined
        readonly issuer: string | undefined
        /** PEM certificates to trust instead of the system's. */
        readonly caFile: string | undefined
      }
    | undefined
  /** Processes that share the port. */
  readonly workers: number
  readonly limits: Limits & Capacity
}

/** @throws ServiceError `config_invalid` naming every fault */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const read = parseEnv(Env, env, { secrets: ['API_KEYS', 'REDIS_URL'] })
  return Object.freeze({
    clock: read.clock,
    host: read.HOST,
    port: read.PORT,
    logLevel: read.LOG_LEVEL,
    apiKeys: read.API_KEYS,
    apiKeysSecret: read.API_KEYS_SECRET,
    contractFile: read.CONTRACT_FILE,
    dataDirectory: read.DATA_DIR,
    redisUrl: read.REDIS_URL,
    redisSecret: read.REDIS_SECRET,
    vault: read.vault,
    repository:
      read.FEAST_REPO === undefined ? undefined : { directory: read.FEAST_REPO, variables: env },
    serving: read.FEAST_PARITY === 'strict' ? 'strict' : read.FEAST_TTL,
    oidc:
      read.OIDC_DISCOVERY_URL === undefined
        ? undefined
        : {
            discoveryUrl: read.OIDC_DISCOVERY_URL,
            clientId: read.OIDC_CLIENT_ID,
            audience: read.OIDC_AUDIENCE,
            issuer: read.OIDC_ISSUER,
            caFile: read.OIDC_CA_FILE,
          },
    workers: read.WORKERS,
    limits: {
      bodyBytes: read.MAX_BODY_BYTES,
      rows: read.MAX_ROWS,
      cells: read.MAX_CELLS,
      concurrentRequests: read.MAX_CONCURRENT_REQUESTS,
      requestTimeoutMs: read.REQUEST_TIMEOUT_MS,
      eventLoopDelayMs: read.MAX_EVENT_LOOP_DELAY_MS,
    },
  })
}

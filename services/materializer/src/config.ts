import { checkCredentials } from '@usdcop/connections/config'
import { type ApiKey, apiKeysSchema } from '@usdcop/service/auth'
import { type ClockSettings, clockSchema } from '@usdcop/service/clock-config'
import { logLevelSchema, parseEnv, portSchema } from '@usdcop/service/config'
import {
  serviceVaultSchema,
  type VaultSettings,
  vaultNameSchema,
  vaultPathSchema,
} from '@usdcop/vault/vault-config'
import { z } from 'zod'

const variables = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: portSchema.default(6567),
  LOG_LEVEL: logLevelSchema,
  API_KEYS: apiKeysSchema,
  API_KEYS_SECRET: vaultPathSchema.optional(),
  CONTRACT_FILE: z.string().default('config/contracts/observation-15d.v1.json'),
  DATA_DIR: z.string().default('.usdcop'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  DATABASE_ROLE: vaultNameSchema.optional(),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
  REDIS_SECRET: vaultPathSchema.optional(),
})

const Env = variables.and(clockSchema).and(serviceVaultSchema).superRefine(checkCredentials)

export interface Config {
  /** Undefined is wall time. */
  readonly clock: ClockSettings | undefined
  readonly host: string
  readonly port: number
  readonly logLevel: string
  readonly apiKeys: readonly ApiKey[]
  readonly apiKeysSecret: string | undefined
  readonly contractFile: string
  /** Holds `offline/`, and `database/` and `online/` where no server is given for them. */
  readonly dataDirectory: string
  readonly databaseUrl: string | undefined
  readonly databaseRole: string | undefined
  readonly redisUrl: string | undefined
  readonly redisSecret: string | undefined
  /** Where the secrets of this service are; undefined where they are in variables and files. */
  readonly vault: VaultSettings | undefined
}

/** @throws ServiceError `config_invalid` naming every fault */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const read = parseEnv(Env, env, { secrets: ['API_KEYS', 'DATABASE_URL', 'REDIS_URL'] })
  return Object.freeze({
    clock: read.clock,
    host: read.HOST,
    port: read.PORT,
    logLevel: read.LOG_LEVEL,
    apiKeys: read.API_KEYS,
    apiKeysSecret: read.API_KEYS_SECRET,
    contractFile: read.CONTRACT_FILE,
    dataDirectory: read.DATA_DIR,
    databaseUrl: read.DATABASE_URL,
    databaseRole: read.DATABASE_ROLE,
    redisUrl: read.REDIS_URL,
    redisSecret: read.REDIS_SECRET,
    vault: read.vault,
  })
}

import { type ApiKey, apiKeysSchema } from '@usdcop/service/auth'
import { type ClockSettings, clockSchema } from '@usdcop/service/clock-config'
import { logLevelSchema, parseEnv, portSchema } from '@usdcop/service/config'
import { z } from 'zod'

const variables = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: portSchema.default(6567),
  LOG_LEVEL: logLevelSchema,
  API_KEYS: apiKeysSchema,
  CONTRACT_FILE: z.string().default('config/contracts/observation-15d.v1.json'),
  DATA_DIR: z.string().default('.usdcop'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
})

const Env = variables.and(clockSchema)

export interface Config {
  /** Undefined is wall time. */
  readonly clock: ClockSettings | undefined
  readonly host: string
  readonly port: number
  readonly logLevel: string
  readonly apiKeys: readonly ApiKey[]
  readonly contractFile: string
  /** Holds `offline/`, and `database/` and `online/` where no server is given for them. */
  readonly dataDirectory: string
  readonly databaseUrl: string | undefined
  readonly redisUrl: string | undefined
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
    contractFile: read.CONTRACT_FILE,
    dataDirectory: read.DATA_DIR,
    databaseUrl: read.DATABASE_URL,
    redisUrl: read.REDIS_URL,
  })
}

import type { Serving } from '@usdcop/feast/serving/ttl'
import { type ApiKey, apiKeysSchema } from '@usdcop/service/auth'
import { type ClockSettings, clockSchema } from '@usdcop/service/clock-config'
import { logLevelSchema, parseEnv, portSchema } from '@usdcop/service/config'
import { z } from 'zod'

const variables = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: portSchema.default(6566),
  LOG_LEVEL: logLevelSchema,
  API_KEYS: apiKeysSchema,
  CONTRACT_FILE: z.string().default('config/contracts/observation-15d.v1.json'),
  DATA_DIR: z.string().default('.usdcop'),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
  FEAST_TTL: z.enum(['mark', 'enforce']).default('mark'),
  FEAST_PARITY: z.enum(['lenient', 'strict']).default('lenient'),
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
  /** Holds `online/`, the LMDB store, unless `redisUrl` is given. */
  readonly dataDirectory: string
  readonly redisUrl: string | undefined
  /** `FEAST_PARITY=strict` ignores ttl, as Feast does. */
  readonly serving: Serving
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
    contractFile: read.CONTRACT_FILE,
    dataDirectory: read.DATA_DIR,
    redisUrl: read.REDIS_URL,
    serving: read.FEAST_PARITY === 'strict' ? 'strict' : read.FEAST_TTL,
  })
}

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
import type { FeatureServer } from './features/client.ts'

const variables = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: portSchema.default(8090),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  DATABASE_ROLE: vaultNameSchema.optional(),
  DATA_DIR: z.string().default('.usdcop'),
  FEATURE_SERVER_URL: z
    .url({ protocol: /^https?$/ })
    // It is named in errors and logs.
    .refine((url) => URL.parse(url)?.password === '', 'no password here; see FEATURE_SERVER_KEY')
    .default('http://127.0.0.1:6566'),
  FEATURE_SERVER_KEY: z.string().default(''),
  FEATURE_SERVER_KEY_SECRET: vaultPathSchema.optional(),
  FEATURE_DEADLINE_MS: z.coerce.number().int().positive().default(1_000),
  CONTRACT_FILE: z.string().default('config/contracts/observation-15d.v1.json'),
  MODEL_DIR: z.string().default('models/usdcop-ppo'),
  CONSOLE_SYMBOL: z.string().min(1).default('USD/COP'),
  CONSOLE_HOST_NAMES: z.string().default(''),
  API_KEYS: apiKeysSchema,
  API_KEYS_SECRET: vaultPathSchema.optional(),
  LOG_LEVEL: logLevelSchema,
})

const Env = variables.and(clockSchema).and(serviceVaultSchema).superRefine(checkCredentials)

export interface Config {
  /** Undefined is wall time. */
  readonly clock: ClockSettings | undefined
  readonly host: string
  readonly port: number
  /** Holds `database/`, the embedded database, unless `databaseUrl` is given. */
  readonly dataDirectory: string
  readonly databaseUrl: string | undefined
  readonly databaseRole: string | undefined
  readonly featureServer: FeatureServer
  /** Path of the secret whose field `feature_server_key` stands in the place of the key there. */
  readonly featureServerKeySecret: string | undefined
  readonly contractFile: string
  readonly modelDirectory: string
  readonly consoleSymbol: string
  /** Beside loopback: names under which a browser may open the console. */
  readonly consoleHostNames: readonly string[]
  readonly apiKeys: readonly ApiKey[]
  readonly apiKeysSecret: string | undefined
  /** Where the secrets of this service are; undefined where they are in variables and files. */
  readonly vault: VaultSettings | undefined
  readonly logLevel: z.output<typeof logLevelSchema>
}

export function readConfig(env: NodeJS.ProcessEnv): Config {
  const values = parseEnv(Env, env, { secrets: ['API_KEYS', 'DATABASE_URL', 'FEATURE_SERVER_KEY'] })
  return Object.freeze({
    clock: values.clock,
    host: values.HOST,
    port: values.PORT,
    dataDirectory: values.DATA_DIR,
    databaseUrl: values.DATABASE_URL,
    databaseRole: values.DATABASE_ROLE,
    featureServer: {
      url: values.FEATURE_SERVER_URL,
      key: values.FEATURE_SERVER_KEY,
      deadlineMs: values.FEATURE_DEADLINE_MS,
    },
    featureServerKeySecret: values.FEATURE_SERVER_KEY_SECRET,
    contractFile: values.CONTRACT_FILE,
    modelDirectory: values.MODEL_DIR,
    consoleSymbol: values.CONSOLE_SYMBOL,
    consoleHostNames: values.CONSOLE_HOST_NAMES.split(',').flatMap((name) => name.trim() || []),
    apiKeys: values.API_KEYS,
    apiKeysSecret: values.API_KEYS_SECRET,
    vault: values.vault,
    logLevel: values.LOG_LEVEL,
  })
}

import { type ApiKey, apiKeysSchema, isLoopback } from '@usdcop/service/auth'
import { logLevelSchema, parseEnv, portSchema } from '@usdcop/service/config'
import { type VaultSettings, vaultPathSchema, vaultSchema } from '@usdcop/vault/vault-config'
import { z } from 'zod'
import type { Limits } from './admission.ts'

const seconds = (most: number) => z.coerce.number().int().min(1).max(most)

const variables = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: portSchema.default(8_210),
  ADMIN_PORT: portSchema.default(8_211),
  LOG_LEVEL: logLevelSchema,
  API_KEYS: apiKeysSchema,
  API_KEYS_SECRET: vaultPathSchema.optional(),
  CALLERS_FILE: z.string().default('config/secrets-broker/callers.json'),
  ALLOWED_HOSTS: z.string().default(''),
  TLS_CERT_FILE: z.string().optional(),
  TLS_KEY_FILE: z.string().optional(),
  CLIENT_CA_FILE: z.string().optional(),
  CLIENT_CRL_FILE: z.string().optional(),
  WRAP_TTL_SECONDS: seconds(300).default(60),
  SECRET_ID_TTL_SECONDS: seconds(600).default(120),
  REQUESTS_PER_SECOND: z.coerce.number().min(0.1).default(50),
  REQUEST_BURST: z.coerce.number().int().min(1).default(200),
  IDENTITIES_PER_MINUTE: z.coerce.number().int().min(1).default(30),
})

const Env = variables.and(vaultSchema).transform((read, context) => {
  const fault = (name: keyof typeof read, message: string) =>
    context.addIssue({ code: 'custom', path: [name], message })
  const certified = read.TLS_CERT_FILE !== undefined && read.TLS_KEY_FILE !== undefined
  if ((read.TLS_CERT_FILE === undefined) !== (read.TLS_KEY_FILE === undefined))
    fault('TLS_CERT_FILE', 'TLS_CERT_FILE and TLS_KEY_FILE go together')
  if (read.API_KEYS_SECRET !== undefined && read.API_KEYS.length > 0)
    fault('API_KEYS_SECRET', 'API_KEYS is given as well; one of the two is enough')
  if (!certified && !isLoopback(read.HOST))
    fault('TLS_CERT_FILE', 'beyond loopback the broker speaks TLS alone')
  if (!certified && read.CLIENT_CA_FILE !== undefined)
    fault('CLIENT_CA_FILE', 'client certificates need TLS_CERT_FILE and TLS_KEY_FILE')
  if (read.CLIENT_CA_FILE === undefined && read.CLIENT_CRL_FILE !== undefined)
    fault('CLIENT_CRL_FILE', 'goes with CLIENT_CA_FILE')
  if (read.SECRET_ID_TTL_SECONDS < read.WRAP_TTL_SECONDS)
    fault('SECRET_ID_TTL_SECONDS', 'at least WRAP_TTL_SECONDS, or it ends before it is unwrapped')
  const { vault } = read.secrets
  if (vault === undefined) {
    context.addIssue({ code: 'custom', path: ['VAULT_ADDR'], message: 'needed' })
    return z.NEVER
  }
  return { ...read, vault }
})

export interface Config {
  readonly host: string
  readonly port: number
  /** On loopback; it listens where there may be an admin's key. */
  readonly adminPort: number
  readonly logLevel: string
  readonly apiKeys: readonly ApiKey[]
  /** Of the secret whose field `api_keys` is read in their place. */
  readonly apiKeysSecret: string | undefined
  readonly callersFile: string
  readonly hosts: readonly string[]
  readonly tls:
    | {
        readonly certificateFile: string
        readonly keyFile: string
        readonly clientCaFile: string | undefined
        readonly clientCrlFile: string | undefined
      }
    | undefined
  readonly wrapTtlSeconds: number
  readonly secretIdTtlSeconds: number
  readonly limits: Limits
  readonly vault: VaultSettings
}

/** @throws ServiceError `config_invalid` naming every fault */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const read = parseEnv(Env, env, { secrets: ['API_KEYS'] })
  const { TLS_CERT_FILE: certificateFile, TLS_KEY_FILE: keyFile } = read
  const identities = read.IDENTITIES_PER_MINUTE
  return Object.freeze({
    host: read.HOST,
    port: read.PORT,
    adminPort: read.ADMIN_PORT,
    logLevel: read.LOG_LEVEL,
    apiKeys: read.API_KEYS,
    apiKeysSecret: read.API_KEYS_SECRET,
    callersFile: read.CALLERS_FILE,
    hosts: read.ALLOWED_HOSTS.split(',').flatMap((name) => (name.trim() === '' ? [] : name.trim())),
    tls:
      certificateFile === undefined || keyFile === undefined
        ? undefined
        : {
            certificateFile,
            keyFile,
            clientCaFile: read.CLIENT_CA_FILE,
            clientCrlFile: read.CLIENT_CRL_FILE,
          },
    wrapTtlSeconds: read.WRAP_TTL_SECONDS,
    secretIdTtlSeconds: read.SECRET_ID_TTL_SECONDS,
    limits: {
      requests: { burst: read.REQUEST_BURST, perSecond: read.REQUESTS_PER_SECOND },
      identities: { burst: identities, perSecond: identities / 60 },
    },
    vault: read.vault,
  })
}

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
  REDIS_ROTATION_URL: z.url({ protocol: /^rediss?$/ }).optional(),
  REDIS_ROTATION_SECRET: vaultPathSchema.default('trading/redis'),
  REDIS_ROTATION_USER: z.string().default('rotor'),
  REDIS_ROTATION_PERIOD: z.coerce.number().min(0).default(86_400),
  REDIS_ROTATION_GRACE: z.coerce.number().min(0).default(3_600),
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
  const { REDIS_ROTATION_PERIOD: period, REDIS_ROTATION_GRACE: grace } = read
  if (period > 0 && period <= grace)
    fault('REDIS_ROTATION_GRACE', 'shorter than REDIS_ROTATION_PERIOD, or no password ever goes')
  if (!isPlain(read.REDIS_ROTATION_URL))
    fault('REDIS_ROTATION_URL', 'scheme, host and port alone; the password stands in Vault')
  const { vault } = read.secrets
  if (vault === undefined) {
    context.addIssue({ code: 'custom', path: ['VAULT_ADDR'], message: 'needed' })
    return z.NEVER
  }
  return { ...read, vault }
})

/** Whatever else stood in it would be ignored, and a password in a variable is no secret. */
function isPlain(text: string | undefined): boolean {
  if (text === undefined) return true
  const { username, password, pathname, search, hash } = new URL(text)
  return [username, password, pathname.replace(/^\/$/, ''), search, hash].join('') === ''
}

export interface RedisRotationSettings {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  /** Who may change users there. */
  readonly user: string
  /** Of the secret that is rotated, below the KV mount. */
  readonly path: string
  readonly periodMs: number
  readonly graceMs: number
}

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
  readonly redisRotation: RedisRotationSettings | undefined
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
    redisRotation: redisRotationOf(read),
  })
}

function redisRotationOf(read: z.output<typeof variables>): RedisRotationSettings | undefined {
  if (read.REDIS_ROTATION_URL === undefined) return undefined
  const { protocol, hostname, port } = new URL(read.REDIS_ROTATION_URL)
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? 6_379 : Number(port),
    tls: protocol === 'rediss:',
    user: read.REDIS_ROTATION_USER,
    path: read.REDIS_ROTATION_SECRET,
    periodMs: read.REDIS_ROTATION_PERIOD * 1_000,
    graceMs: read.REDIS_ROTATION_GRACE * 1_000,
  }
}

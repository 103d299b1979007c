import { isLoopback } from '@usdcop/service/auth'
import { z } from 'zod'
import { type BrokerOptions, credentialFromBroker } from './broker-credentials.ts'
import { credentialFromFile, fixedCredential } from './credential-sources.ts'
import { createIdentityFolder, type IdentityFolder } from './identity-folder.ts'
import type { Credential, CredentialSource } from './login.ts'
import { Secret } from './secret.ts'
import { secretName, secretPath } from './secret-path.ts'

const seconds = z.coerce.number().min(0)
/** Segments of the grammar of `secretPath`. */
export const vaultPathSchema = z.string().transform((text, context) => {
  try {
    return String(secretPath(text))
  } catch {
    context.addIssue('expected segments of letters, digits, "_", "." and "-"')
    return z.NEVER
  }
})

/** One of them: the name of a role. */
export const vaultNameSchema = vaultPathSchema.refine((text) => !text.includes('/'), 'one segment')

const vaultVariables = z.object({
  VAULT_ADDR: z.url({ protocol: /^https?$/ }).optional(),
  VAULT_NAMESPACE: vaultPathSchema.optional(),
  VAULT_CACERT: z.string().optional(),
  VAULT_TOKEN: z.string().optional(),
  VAULT_TOKEN_FILE: z.string().optional(),
  VAULT_ROLE_ID: vaultPathSchema.optional(),
  VAULT_SECRET_ID: z.string().optional(),
  VAULT_SECRET_ID_FILE: z.string().optional(),
  VAULT_SECRET_ID_WRAPPED_FOR: vaultPathSchema.optional(),
  SECRETS_BROKER_URL: z.url({ protocol: /^https?$/ }).optional(),
  SECRETS_BROKER_CA_FILE: z.string().optional(),
  SECRETS_BROKER_CERT_FILE: z.string().optional(),
  SECRETS_BROKER_KEY_FILE: z.string().optional(),
  SECRETS_BROKER_TOKEN: z.string().optional(),
  SECRETS_BROKER_TOKEN_FILE: z.string().optional(),
  IDENTITY_DIR: z.string().optional(),
  VAULT_MOUNT_PATH: vaultPathSchema.default('secret'),
  VAULT_TIMEOUT: seconds.default(5),
  VAULT_CACHE_TTL: seconds.max(300).default(60),
  VAULT_MAX_STALE: seconds.default(900),
  VAULT_FALLBACK_TO_ENV: z.stringbool().default(false),
  DEPLOYMENT_ENVIRONMENT: z.string().default('development'),
})

export interface VaultSettings {
  readonly address: string
  readonly namespace: string | undefined
  /** File of the authority that signed Vault's certificate. */
  readonly caFile: string | undefined
  readonly source: CredentialSource
  /** Where the source keeps its secret id, for `createSecretIdKeeper`; undefined where it keeps none. */
  readonly folder?: IdentityFolder | undefined
  readonly mount: string
  readonly timeoutMs: number
  readonly ttlMs: number
  readonly maxStaleMs: number
}

export interface SecretSettings {
  /** Undefined where there is none: secrets then come from variables alone. */
  readonly vault: VaultSettings | undefined
  /** Whether variables of an explicit list may stand in. */
  readonly environment: boolean
}

type Read = z.output<typeof vaultVariables>

/**
 * The `VAULT_*` and `SECRETS_BROKER_*` variables, for a service's own schema: `z.object({ … }).and(vaultSchema)` reads them
 * into `secrets`. The variables that hold a secret are not for `parseEnv`'s own `NAME_FILE`: these files are read before each login.
 */
export const vaultSchema = vaultVariables.transform(
  (read, context): { readonly secrets: SecretSettings } => {
    const production = read.DEPLOYMENT_ENVIRONMENT === 'production'
    if (read.VAULT_ADDR === undefined && production)
      context.addIssue({ code: 'custom', path: ['VAULT_ADDR'], message: 'needed in production' })
    const vault = settingsOf(read, context)
    const environment = vault === undefined ? !production : read.VAULT_FALLBACK_TO_ENV
    return { secrets: { vault, environment } }
  },
)

/** The same for a service whose secrets may as well be in files: no Vault is no fault, wherever it runs. */
export const serviceVaultSchema = vaultVariables.transform((read, context) => ({
  vault: settingsOf(read, context),
}))

function settingsOf(read: Read, context: z.RefinementCtx): VaultSettings | undefined {
  const production = read.DEPLOYMENT_ENVIRONMENT === 'production'
  const fault = (name: keyof Read, message: string) =>
    context.addIssue({ code: 'custom', path: [name], message })
  if (production && read.VAULT_FALLBACK_TO_ENV)
    fault('VAULT_FALLBACK_TO_ENV', 'in production no secret comes from the environment')
  if (read.VAULT_ADDR === undefined) return undefined
  const { protocol, hostname } = new URL(read.VAULT_ADDR)
  if (production && protocol !== 'https:' && !isLoopback(hostname))
    fault('VAULT_ADDR', 'in production a token goes over TLS alone')
  const folder = folderOf(read)
  const source = sourceOf(read, folder)
  if (typeof source === 'string') {
    fault('VAULT_ADDR', source)
    return undefined
  }
  return {
    address: read.VAULT_ADDR,
    namespace: read.VAULT_NAMESPACE,
    caFile: read.VAULT_CACERT,
    source,
    folder,
    mount: read.VAULT_MOUNT_PATH,
    timeoutMs: read.VAULT_TIMEOUT * 1_000,
    ttlMs: read.VAULT_CACHE_TTL * 1_000,
    maxStaleMs: read.VAULT_MAX_STALE * 1_000,
  }
}

/** One way to log in, or what is wrong with what is given. */
function sourceOf(read: Read, folder: IdentityFolder | undefined): CredentialSource | string {
  const { VAULT_ROLE_ID: roleId, VAULT_SECRET_ID_WRAPPED_FOR: role } = read
  const ways = [
    read.VAULT_TOKEN,
    read.VAULT_TOKEN_FILE,
    read.VAULT_SECRET_ID,
    read.VAULT_SECRET_ID_FILE,
    read.SECRETS_BROKER_URL,
    read.IDENTITY_DIR,
  ]
  if (ways.filter((way) => way !== undefined).length !== 1)
    return 'one of VAULT_TOKEN, VAULT_TOKEN_FILE, VAULT_SECRET_ID, VAULT_SECRET_ID_FILE, SECRETS_BROKER_URL and IDENTITY_DIR goes with it'
  if (read.SECRETS_BROKER_URL !== undefined) return brokerOf(read, read.SECRETS_BROKER_URL)
  if (folder !== undefined) return folder.source
  const asToken = (token: Secret): Credential => ({ kind: 'token', token })
  if (read.VAULT_TOKEN !== undefined) return fixedCredential(asToken(new Secret(read.VAULT_TOKEN)))
  if (read.VAULT_TOKEN_FILE !== undefined) return credentialFromFile(read.VAULT_TOKEN_FILE, asToken)
  if (roleId === undefined) return 'a secret id goes with VAULT_ROLE_ID'
  const asSecretId = (text: Secret): Credential =>
    role === undefined
      ? { kind: 'approle', roleId, secretId: text }
      : {
          kind: 'wrapped',
          roleId,
          wrappingToken: text,
          creationPath: `auth/approle/role/${secretName(role)}/secret-id`,
        }
  return read.VAULT_SECRET_ID === undefined
    ? credentialFromFile(read.VAULT_SECRET_ID_FILE ?? '', asSecretId)
    : fixedCredential(asSecretId(new Secret(read.VAULT_SECRET_ID)))
}

function brokerOf(read: Read, address: string): CredentialSource | string {
  const { SECRETS_BROKER_CERT_FILE: certificateFile, SECRETS_BROKER_KEY_FILE: keyFile } = read
  const { SECRETS_BROKER_TOKEN: text, SECRETS_BROKER_TOKEN_FILE: file } = read
  const { protocol, hostname, href, origin } = new URL(address)
  if (href !== `${origin}/`) return 'SECRETS_BROKER_URL is scheme, host and port alone'
  if (protocol !== 'https:' && !isLoopback(hostname))
    return 'SECRETS_BROKER_URL is HTTPS, beyond this machine'
  if ((certificateFile === undefined) !== (keyFile === undefined))
    return 'SECRETS_BROKER_CERT_FILE and SECRETS_BROKER_KEY_FILE go together'
  if (text !== undefined && file !== undefined)
    return 'SECRETS_BROKER_TOKEN and SECRETS_BROKER_TOKEN_FILE are one too many'
  const token = tokenOf(text, file)
  if (certificateFile === undefined && token === undefined)
    return 'a certificate or SECRETS_BROKER_TOKEN goes with SECRETS_BROKER_URL'
  return credentialFromBroker({
    address: origin,
    caFile: read.SECRETS_BROKER_CA_FILE,
    certificateFile,
    keyFile,
    token,
    timeoutMs: read.VAULT_TIMEOUT * 1_000,
  })
}

function tokenOf(text: string | undefined, file: string | undefined): BrokerOptions['token'] {
  if (text !== undefined) return new Secret(text)
  return file === undefined ? undefined : { file }
}

/** The secrets broker is the one that is not given its identity by another service. */
function folderOf(read: Read): IdentityFolder | undefined {
  const { IDENTITY_DIR: folder, VAULT_SECRET_ID_WRAPPED_FOR: role = 'secrets-broker' } = read
  return folder === undefined ? undefined : createIdentityFolder({ folder, role })
}

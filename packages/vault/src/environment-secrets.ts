import { ServiceError } from '@usdcop/service/errors'
import type { KvAddress } from './kv.ts'
import { Secret } from './secret.ts'
import { secretPath } from './secret-path.ts'
import type { SecretReader } from './secret-reader.ts'

/** Which variable may stand for which field of which path: `{ 'trading/jwt': { secret: 'JWT_SECRET' } }`. */
export type AllowedVariables = Readonly<Record<string, Readonly<Record<string, string>>>>

export interface EnvironmentSecrets {
  /** Undefined where the path is not on the list, or one of its variables is not set: half a secret is none. */
  find(address: KvAddress): ReadonlyMap<string, Secret> | undefined
}

export interface EnvironmentSecretsOptions {
  readonly mount: string
  readonly allowed: AllowedVariables
  /** Read once: a variable is what it was when the process started. */
  readonly env: NodeJS.ProcessEnv
  readonly production: boolean
}

/**
 * Secrets of an explicit list of variables. Never in production: everything that the process starts inherits its
 * environment, and no lease or denial reaches it.
 * @throws ServiceError `config_invalid` in production, `secret_path_invalid` for a path that is none
 */
export function createEnvironmentSecrets(options: EnvironmentSecretsOptions): EnvironmentSecrets {
  const { mount, allowed, env, production } = options
  if (production)
    throw new ServiceError('config_invalid', 'in production no secret comes from the environment')
  const found = new Map<string, ReadonlyMap<string, Secret>>()
  for (const [path, variables] of Object.entries(allowed)) {
    const fields = Object.entries(variables).flatMap(([field, variable]) => {
      const value = env[variable] ?? ''
      return value === '' ? [] : [[field, new Secret(value)] as const]
    })
    if (fields.length > 0 && fields.length === Object.keys(variables).length)
      found.set(secretPath(path), new Map(fields))
  }
  return { find: (address) => (address.mount === mount ? found.get(address.path) : undefined) }
}

/** What reads secrets where there is no Vault at all: on one machine, for development. */
export function createEnvironmentReader(secrets: EnvironmentSecrets): SecretReader {
  return {
    async read(request, signal) {
      signal.throwIfAborted()
      const fields = secrets.find({
        mount: secretPath(request.mount),
        path: secretPath(request.path),
      })
      if (fields === undefined)
        throw new ServiceError(
          'secret_absent',
          `no variables stand for ${request.mount}/${request.path}, or not all are set`,
        )
      return { fields, version: undefined, source: 'environment', ageMs: 0 }
    },
    kept: () => undefined,
    holds: () => ({ secrets: 0, oldestMs: 0 }),
    forget: () => {},
  }
}

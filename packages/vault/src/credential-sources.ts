import { readFile } from 'node:fs/promises'
import { ServiceError } from '@usdcop/service/errors'
import type { Credential, CredentialSource } from './login.ts'
import { Secret } from './secret.ts'

export function fixedCredential(credential: Credential): CredentialSource {
  return async () => credential
}

/**
 * A credential whose secret part is a file that others may write anew: it is read before each login.
 * @throws (the source) ServiceError `config_invalid` where there is no such file, or nothing in it
 */
export function credentialFromFile(
  path: string,
  make: (text: Secret) => Credential,
): CredentialSource {
  return async (signal) => make(new Secret((await textOfFile(path, signal)).trim()))
}

/** @throws ServiceError `config_invalid` where there is no such file, or nothing in it */
export async function textOfFile(path: string, signal: AbortSignal): Promise<string> {
  const text = await readFile(path, { encoding: 'utf8', signal }).catch((error: unknown) => {
    signal.throwIfAborted()
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new ServiceError('config_invalid', `${path} cannot be read (${code})`)
  })
  if (text.trim() === '') throw new ServiceError('config_invalid', `${path} is empty`)
  return text
}

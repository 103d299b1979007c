import { constants } from 'node:fs'
import { access, lstat, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ServiceError } from '@usdcop/service/errors'
import type { CredentialSource } from './login.ts'
import { Secret } from './secret.ts'
import { secretName } from './secret-path.ts'

/** What lies in the folder of an identity that keeps itself. */
export interface IdentityFolder {
  readonly role: string
  /** Opens a wrapped secret id where one lies, else shows the secret id that is kept. One that Vault refuses is deleted. */
  readonly source: CredentialSource
  /**
   * Said before anything is asked.
   * @throws ServiceError `config_invalid` naming a folder that others may write into, and a file that others may read
   */
  check(): Promise<void>
  /** Undefined where there is none. */
  roleId(): Promise<string | undefined>
  /** When a wrapped secret id was written that nobody has opened yet; epoch milliseconds. */
  wrappedAt(): Promise<number | undefined>
  read(name: KeptSecretId): Promise<Secret | undefined>
  write(name: KeptSecretId, secretId: Secret): Promise<void>
  drop(name: KeptSecretId): Promise<void>
  /** The successor takes the place of the secret id in use, which is kept as `retired` until it is destroyed. */
  swap(): Promise<void>
}

/** `current` is in use, `next` has yet to be proven, `retired` has yet to be destroyed. */
export type KeptSecretId = 'current' | 'next' | 'retired'

const NAMES: Readonly<Record<KeptSecretId, string>> = {
  current: 'secret-id',
  next: 'secret-id.next',
  retired: 'secret-id.retired',
}

/** No wrapping of this platform lives longer; of an older one nobody can say whether it was stolen. */
const LONGEST_WRAPPING_MS = 5 * 60_000

/**
 * Whoever sets Vault up writes `ROLE.role-id` and `ROLE.wrapped-secret-id`, each time the latter is wanted; the identity
 * keeps `secret-id` beside them, readable by its own user alone, through restarts of its process.
 * @param now epoch milliseconds
 */
export function createIdentityFolder(
  { folder, role }: { readonly folder: string; readonly role: string },
  now: () => number = Date.now,
): IdentityFolder {
  const roleFile = join(folder, `${secretName(role)}.role-id`)
  const wrappedFile = join(folder, `${role}.wrapped-secret-id`)
  const pathOf = (name: KeptSecretId) => join(folder, NAMES[name])

  async function write(name: KeptSecretId, secretId: Secret): Promise<void> {
    const path = pathOf(name)
    const draft = `${path}.new`
    // What a crash has left there may have other rights.
    await rm(draft, { force: true })
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(`${secretId.reveal()}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  }

  const read = (name: KeptSecretId) => readPrivate(pathOf(name), OTHERS_AND_GROUP)
  const drop = (name: KeptSecretId) => rm(pathOf(name), { force: true })
  async function retire(): Promise<void> {
    const old = await read('current')
    if (old !== undefined) await write('retired', old)
  }

  /** A wrapped one that may still be opened. */
  async function wrapped(): Promise<Secret | undefined> {
    const at = await modifiedAt(wrappedFile)
    if (at === undefined) return undefined
    if (now() - at <= LONGEST_WRAPPING_MS) return readPrivate(wrappedFile, OTHERS)
    await rm(wrappedFile, { force: true })
    return undefined
  }

  async function dropIf(name: KeptSecretId, secretId: Secret): Promise<void> {
    if ((await read(name))?.equals(secretId) === true) await drop(name)
  }

  return {
    role,
    read,
    write,
    drop,
    async swap() {
      await retire()
      await rename(pathOf('next'), pathOf('current'))
    },
    roleId: async () => (await readText(roleFile))?.trim(),
    wrappedAt: () => modifiedAt(wrappedFile),
    async source(signal) {
      signal.throwIfAborted()
      const roleId = (await readText(roleFile))?.trim() ?? ''
      if (roleId === '')
        throw new ServiceError('config_invalid', `${roleFile} is not there, or empty`)
      const wrappingToken = await wrapped()
      if (wrappingToken !== undefined)
        return {
          kind: 'wrapped',
          roleId,
          wrappingToken,
          creationPath: `auth/approle/role/${role}/secret-id`,
          // Before it is opened: what a crash loses then is asked for again, and nobody takes it for stolen.
          onOpening: () => rm(wrappedFile, { force: true }),
          onRefused: () => rm(wrappedFile, { force: true }),
          async onOpened(secretId) {
            await retire()
            await write('current', secretId)
          },
        }
      const secretId = await read('current')
      if (secretId === undefined)
        throw new ServiceError('config_invalid', `${folder} holds no secret id to log in with`)
      return { kind: 'approle', roleId, secretId, onRefused: () => dropIf('current', secretId) }
    },
    async check() {
      const stats = await lstat(folder).catch((error: unknown) => {
        throw new ServiceError('config_invalid', `${folder} cannot be used (${codeOf(error)})`)
      })
      if (!stats.isDirectory()) throw new ServiceError('config_invalid', `${folder} is no folder`)
      if ((stats.mode & 0o002) !== 0)
        throw new ServiceError('config_invalid', `others may write into ${folder}`)
      await access(folder, constants.W_OK | constants.R_OK | constants.X_OK).catch(() => {
        throw new ServiceError('config_invalid', `this process may not write into ${folder}`)
      })
      await readPrivate(wrappedFile, OTHERS)
      for (const name of ['current', 'next', 'retired'] as const) await read(name)
    },
  }
}

const OTHERS = 0o007
const OTHERS_AND_GROUP = 0o077

/** @throws ServiceError `config_invalid` where it is no file, or has one of these rights */
async function readPrivate(path: string, rights: number): Promise<Secret | undefined> {
  const stats = await lstat(path).catch(absent)
  if (stats === undefined) return undefined
  if (!stats.isFile()) throw new ServiceError('config_invalid', `${path} is no file`)
  if ((stats.mode & rights) !== 0)
    throw new ServiceError('config_invalid', `${path} is open to others; nobody else may read it`)
  const text = (await readText(path))?.trim() ?? ''
  return text === '' ? undefined : new Secret(text)
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(absent)
}

async function modifiedAt(path: string): Promise<number | undefined> {
  return (await lstat(path).catch(absent))?.mtimeMs
}

function absent(error: unknown): undefined {
  const code = codeOf(error)
  if (code === 'ENOENT') return undefined
  throw new ServiceError('config_invalid', `a file of the identity cannot be read (${code})`)
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error'
}

import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ApiKey, digestOf, type Role } from '@usdcop/service/auth'

export interface LocalKey {
  /** Holds the bearer token, readable by the owner alone. */
  readonly file: string
  readonly token: string
  readonly key: ApiKey
}

/** The key of this data directory for a role, made at the first start and kept. */
export async function localKey(dataDirectory: string, name: string, role: Role): Promise<LocalKey> {
  const folder = join(dataDirectory, 'keys')
  const file = join(folder, name)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const token = (await readToken(file)) ?? (await makeToken(file))
  return { file, token, key: { name, role, sha256: digestOf(token) } }
}

async function readToken(file: string): Promise<string | undefined> {
  try {
    await chmod(file, 0o600)
    return (await readFile(file, 'utf8')).trim() || undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Renamed into place whole, so a crash never leaves half a token behind. */
async function makeToken(file: string): Promise<string> {
  const token = randomBytes(32).toString('base64url')
  await writeFile(`${file}.new`, `${token}\n`, { mode: 0o600 })
  await rename(`${file}.new`, file)
  return token
}

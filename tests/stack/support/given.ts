import { readFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { HOST_PORTS, type Reachable } from './addresses.ts'

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** The `.env` the stack was started with, where it was started from this checkout. */
export function stackEnvironment(): NodeJS.Dict<string> {
  const text = readIfThere(join(ROOT, '.env'))
  return text === undefined ? {} : parseEnv(text)
}

/** Of the running stack; the caller's own variables win over those of `.env`. */
export const given = {
  host: process.env['STACK_HOST'] ?? '127.0.0.1',
  project: process.env['STACK_PROJECT'] ?? 'usdcop',
  vaultToken: process.env['VAULT_DEV_TOKEN'] ?? stackEnvironment()['VAULT_DEV_TOKEN'] ?? 'devtoken',
  secretsFolder: join(...folderOf(process.env['STACK_SECRETS'] ?? 'secrets')),
} as const

/** Where a compose service answers; Grafana may be elsewhere, and Vault speaks TLS in production. */
export function urlOf(service: Reachable, path: string): string {
  const elsewhere = service === 'grafana' ? process.env['GRAFANA_URL'] : undefined
  const protocol = service === 'vault' ? vaultProtocol() : 'http:'
  return new URL(path, elsewhere ?? `${protocol}//${given.host}:${HOST_PORTS[service]}`).href
}

function vaultProtocol(): string {
  return new URL(stackEnvironment()['VAULT_ADDR'] ?? 'http://vault').protocol
}

/** A secret of the running stack, by its file name. */
export function secret(name: string): string {
  return readFileSync(join(given.secretsFolder, name), 'utf8').trim()
}

export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function folderOf(path: string): [string, ...string[]] {
  return isAbsolute(path) ? [path] : [ROOT, path]
}

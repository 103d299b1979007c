import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { containerOf, runNodeInside } from './docker.ts'
import { given, secret } from './given.ts'
import { READ_IDENTITY } from './inside.ts'
import { kvFields } from './vault.ts'

const SHORTEST = 20

/** The roles of our services in Vault, and those of the demo, which has a feed. */
export const ROLES = ['feature-server', 'inference-gateway', 'materializer', 'secrets-broker']
export const DEMO_ROLES = ['demo-feed', ...ROLES]

export interface Needle {
  /** Where it belongs, for the words of a failure. */
  readonly file: string
  readonly text: string
}

/**
 * What must stand nowhere but in `secrets/`: every password, key and URL with one, by file name. Words
 * of a file that are no secret are too short to be taken for one; a Slack address that leads nowhere is
 * what the set-up writes when it was given none.
 */
export function secretNeedles(): readonly Needle[] {
  return (
    readdirSync(given.secretsFolder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => relative(given.secretsFolder, join(parentPath, name)))
      // A certificate is shown to everybody.
      .filter((file) => !file.endsWith('.crt'))
      .flatMap((file) =>
        secret(file)
          .split(/[\s,=>]+/)
          .map((text) => ({ file, text })),
      )
      .filter(({ text }) => text.length >= SHORTEST && !text.endsWith('.invalid/'))
  )
}

/** The values that Vault holds now, also those that nobody but the broker has made. */
export async function secretsInVault(
  signal: AbortSignal,
  token?: string,
): Promise<readonly Needle[]> {
  const paths = ['trading/redis', ...DEMO_ROLES.map((role) => `services/${role}`)]
  const all = await Promise.all(
    paths.map(async (path) =>
      Object.entries(await kvFields(path, signal, token)).flatMap(([field, value]) =>
        value.split(',').map((text) => ({ file: `${path} ${field}`, text })),
      ),
    ),
  )
  return all.flat().filter(({ text }) => text.length >= SHORTEST)
}

/** The secret ids that lie in the folder of the broker's identity. */
export async function secretsOfTheBroker(signal: AbortSignal): Promise<readonly Needle[]> {
  const broker = await containerOf('secrets-broker', signal)
  const files = await runNodeInside<{ name: string; text: string }[]>(
    broker,
    READ_IDENTITY,
    {},
    signal,
  )
  if (files.length === 0 || files.some(({ text }) => text === ''))
    throw new Error('the broker has no secret id')
  return files.map(({ name, text }) => ({ file: name, text }))
}

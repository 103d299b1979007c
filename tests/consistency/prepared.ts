import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { COMPOSE_FILES } from './compose.ts'
import {
  IMAGES_FILES,
  type ImagesFile,
  INFRASTRUCTURE_ENV,
  PROFILES,
  type Profile,
  profileFile,
} from './environment.ts'
import type { Files } from './files.ts'

const PREPARE = 'scripts/stack/prepare.sh'

export interface Prepared extends AsyncDisposable {
  readonly folder: string
  /** The files in secrets/, as paths in it. */
  readonly secrets: readonly string[]
}

async function filesBelow(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(relative(path, entry.parentPath), entry.name))
}

/**
 * A copy of what compose reads, in a folder of its own, made ready by `prepare.sh`: `.env` and secrets
 * like a user's, and nothing of this checkout's. No network is made: its docker says that there is one.
 */
export async function prepare(
  files: Files,
  profile: Profile,
  images: ImagesFile,
  signal: AbortSignal,
): Promise<Prepared> {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-consistency-'))
  const copied = [
    ...COMPOSE_FILES,
    ...IMAGES_FILES,
    ...PROFILES.map(profileFile),
    INFRASTRUCTURE_ENV,
  ]
  for (const path of [...copied, PREPARE]) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), files.read(path))
  }
  const bin = join(folder, 'bin')
  await mkdir(bin)
  await writeFile(join(bin, 'docker'), '#!/bin/sh\nexit 0\n', { mode: 0o755 })
  const env = { PATH: `${bin}${delimiter}${process.env['PATH']}`, IMAGES_FILE: images }
  await promisify(execFile)('sh', [PREPARE, profile], { cwd: folder, env, signal })
  return {
    folder,
    secrets: await filesBelow(join(folder, 'secrets')),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}

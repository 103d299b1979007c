import { parseEnv } from 'node:util'
import type { Files } from './files.ts'

export const PROFILES = ['dev', 'demo', 'production'] as const
export type Profile = (typeof PROFILES)[number]

export const IMAGES_FILES = ['images.env', 'images.standin.env'] as const
export type ImagesFile = (typeof IMAGES_FILES)[number]

export const INFRASTRUCTURE_ENV = '.env.infrastructure'

export function profileFile(profile: Profile): string {
  return `config/profiles/${profile}.env`
}

export function variablesOf(files: Files, path: string): NodeJS.Dict<string> {
  return parseEnv(files.read(path))
}

/** What `.env` holds in a profile, but for the moment at which the demo's clock began. */
export function environmentOf(
  files: Files,
  profile: Profile = 'dev',
  images: ImagesFile = 'images.env',
): NodeJS.Dict<string> {
  return {
    ...variablesOf(files, INFRASTRUCTURE_ENV),
    ...variablesOf(files, images),
    ...variablesOf(files, profileFile(profile)),
  }
}

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

/** The repository, with no slash at its end. */
export const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '')

/** A file of the repository, by its path there. */
export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

export function readYaml(path: string): unknown {
  return parse(readText(path))
}

/** Names in a folder of the repository, sorted. */
export function namesIn(folder: string, suffix: string): readonly string[] {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith(suffix))
    .toSorted()
}

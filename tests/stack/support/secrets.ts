import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { given, secret } from './given.ts'

const SHORTEST = 20

/**
 * What must stand nowhere but in `secrets/`: every password, key and URL with one, by file name. Words
 * of a file that are no secret are too short to be taken for one; a Slack address that leads nowhere is
 * what the set-up writes when it was given none.
 */
export function secretNeedles(): readonly { readonly file: string; readonly text: string }[] {
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

import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** A real server's program, of those that docker/standin builds; `path` is empty where it is not here. */
export interface Program {
  readonly path: string
  readonly missing: boolean
}

/**
 * Finds `NAME-VERSION` in `USDCOP_STANDIN_BIN`, or where docker/standin/build.sh keeps what it built.
 * Tests without it are skipped, which `npm test` counts and CI takes for a failure; why is said once here.
 */
export function program(name: string): Program {
  const given = process.env['USDCOP_STANDIN_BIN'] ?? ''
  const folder = given === '' ? join(homedir(), '.cache/usdcop-platform/standin/bin') : given
  const version = new RegExp(`^${name}-\\d[\\d.]*$`)
  const found = existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => version.test(file))
        .toSorted()
        .at(-1)
    : undefined
  if (found !== undefined) return { path: join(folder, found), missing: false }
  process.stderr.write(
    `tests that need ${name} did not run: there is none in ${folder}; docker/standin/build.sh builds it, ` +
      'or USDCOP_STANDIN_BIN names the folder it is in\n',
  )
  return { path: '', missing: true }
}

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The files of a checkout, or of a copy in which something is broken: what every check reads. */
export interface Files {
  /** Relative to the root, as git has them; what git ignores is not among them. */
  readonly paths: readonly string[]
  /** Throws where there is no such file. */
  readonly read: (path: string) => string
  /** The permission bits. */
  readonly mode: (path: string) => number
}

export function checkout(): Files {
  const texts = new Map<string, string>()
  return {
    paths: tracked(),
    read: (path) => {
      const text = texts.get(path) ?? readFileSync(join(ROOT, path), 'utf8')
      texts.set(path, text)
      return text
    },
    mode: (path) => statSync(join(ROOT, path)).mode & 0o777,
  }
}

/** Files that stand below a folder, or the file itself. */
export function below({ paths }: Files, path: string): readonly string[] {
  return paths.filter((file) => file === path || file.startsWith(`${path}/`))
}

export function has({ paths }: Files, path: string): boolean {
  return paths.includes(path)
}

function tracked(): string[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const { stdout, status, stderr } = spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' })
  if (status !== 0) throw new Error(`git ls-files: ${stderr}`)
  return stdout.split('\0').filter((path) => path !== '' && existsSync(join(ROOT, path)))
}

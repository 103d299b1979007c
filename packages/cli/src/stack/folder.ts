import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { COMPOSE_FILES } from './compose.ts'
import { isMissing } from './docker.ts'
import { notedIn, parseEnvironment, Settings } from './environment.ts'

/** The folder of the compose files, and what stands in it. */
export interface StackFolder {
  readonly directory: string
  /** Of .env; undefined where there is none. */
  readonly envText: string | undefined
  readonly settings: Settings
  /** The compose project, by which Docker labels what belongs to the stack. */
  readonly project: string
}

/** @param env the shell's, whose variables win over .env */
export async function readStackFolder(
  directory: string,
  env: NodeJS.ProcessEnv,
): Promise<StackFolder> {
  const envText = await textOf(join(directory, '.env'))
  const settings = new Settings(parseEnvironment(envText ?? ''), env)
  const project = settings.get('COMPOSE_PROJECT_NAME') ?? 'usdcop'
  return { directory, envText, settings, project }
}

/** Files that .env is made from, in the order in which they win, by what its head notes. */
export function sourcesOf(envText: string): readonly string[] {
  const images = notedIn(envText, 'images') ?? 'images.env'
  const profile = notedIn(envText, 'profile') ?? 'dev'
  return ['.env.infrastructure', images, `config/profiles/${profile}.env`]
}

/** What the compose files say of themselves, without a parser of YAML: names that stand out. */
export interface ComposeNames {
  /** Files that containers mount, as paths in secrets/. */
  readonly secrets: readonly string[]
  /** Images that are built here, without their tag. */
  readonly built: readonly string[]
}

export async function readComposeNames(directory: string): Promise<ComposeNames> {
  const texts = await Promise.all(COMPOSE_FILES.map((file) => textOf(join(directory, file))))
  const text = texts.join('\n')
  return {
    secrets: unique(text, /file: \.\/secrets\/([\w./-]+)/g),
    built: unique(text, /(usdcop\/[\w-]+):\$\{USDCOP_VERSION/g),
  }
}

function unique(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].flatMap(([, name]) => name ?? []))].toSorted()
}

/** A file's text, or undefined where there is no such file. */
export async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

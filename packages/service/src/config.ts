import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { ServiceError } from './errors.ts'

export interface EnvOptions {
  /** Variables that hold secrets: each may be given as `NAME_FILE`, a file with the value in it. */
  readonly secrets?: readonly string[]
  /** The text of a file; throws where there is none. */
  readonly readFile?: (path: string) => string
}

/**
 * Reads the environment once and whole. Every fault is named in one `config_invalid` error, so an
 * operator mends them all in one start; no message repeats a value, which may be a secret. An empty
 * variable counts as unset: compose files pass optional ones as empty strings.
 */
export function parseEnv<Schema extends z.ZodType>(
  schema: Schema,
  env: NodeJS.ProcessEnv,
  { secrets = [], readFile = readText }: EnvOptions = {},
): z.output<Schema> {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const faults = secrets.flatMap((name) => takeFromFile(set, name, readFile))
  const parsed = schema.safeParse(set)
  if (parsed.success && faults.length === 0) return parsed.data
  const issues = [...(parsed.error?.issues ?? []), ...faults]
  throw new ServiceError(
    'config_invalid',
    `the environment is not usable:\n${z.prettifyError(new z.ZodError(issues))}`,
  )
}

/** A TCP port; 0 asks the system for a free one. */
export const portSchema = z.coerce.number().int().min(0).max(65_535)

export const logLevelSchema = z
  .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
  .default('info')

/** Puts the text of the file that `NAME_FILE` names in the place of `NAME`; returns what is wrong. */
function takeFromFile(
  set: NodeJS.ProcessEnv,
  name: string,
  readFile: (path: string) => string,
): z.core.$ZodIssue[] {
  const variable = `${name}_FILE`
  const path = set[variable]
  if (path === undefined) return []
  const fault = (message: string): z.core.$ZodIssue[] => [
    { code: 'custom', path: [variable], message, input: undefined },
  ]
  if (set[name] !== undefined) return fault(`${name} is given as well; one of the two is enough`)
  try {
    const text = readFile(path).trim()
    // Unset would be another thing: an embedded store instead of a server, or no keys.
    if (text === '') return fault(`${path} is empty`)
    set[name] = text
    return []
  } catch (error) {
    return fault(`${path} cannot be read (${codeOf(error)})`)
  }
}

function readText(path: string): string {
  return readFileSync(path, 'utf8')
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error'
}

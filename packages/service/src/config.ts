import { z } from 'zod'
import { ServiceError } from './errors.ts'

/**
 * Reads the environment once and whole. Every fault is named in one `config_invalid` error, so an
 * operator mends them all in one start. An empty variable counts as unset: compose files pass
 * optional ones as empty strings.
 */
export function parseEnv<Schema extends z.ZodType>(
  schema: Schema,
  env: NodeJS.ProcessEnv,
): z.output<Schema> {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = schema.safeParse(set)
  if (parsed.success) return parsed.data
  throw new ServiceError(
    'config_invalid',
    `the environment is not usable:\n${z.prettifyError(parsed.error)}`,
  )
}

/** A TCP port; 0 asks the system for a free one. */
export const portSchema = z.coerce.number().int().min(0).max(65_535)

export const logLevelSchema = z
  .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
  .default('info')

import { ServiceError } from '@usdcop/service/errors'
import { z } from 'zod'
import { Secret } from './secret.ts'

/**
 * An answer of Vault, read by its schema.
 * @throws ServiceError `vault_unavailable` where it has another shape; the answer itself is not repeated
 */
export function readAnswer<Schema extends z.ZodType>(
  schema: Schema,
  answer: unknown,
  asked: string,
): z.output<Schema> {
  const parsed = schema.safeParse(answer)
  if (parsed.success) return parsed.data
  throw new ServiceError('vault_unavailable', `${asked}: the answer is not one of Vault`)
}

/** A secret from the moment it is read. */
export const secretText = z
  .string()
  .min(1)
  .transform((text) => new Secret(text))

/** Whole seconds as Vault tells a lease; 0 there means that it has no end. */
export const leaseMs = z
  .number()
  .nonnegative()
  .transform((seconds) => (seconds === 0 ? Infinity : seconds * 1_000))

import { z } from 'zod'

/** A symbol as a caller may name it; no database keeps a NUL, and no symbol has a control character. */
export const symbolSchema = z
  .string()
  .min(1)
  .max(32)
  .regex(/^\P{C}+$/u, 'expected printable characters')

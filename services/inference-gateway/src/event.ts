import { z } from 'zod'

const count = z.number().int().nonnegative()
const instant = z.number().int()
const price = z.number().positive()
const hash = z.string()

/**
 * The outbox event of one closed bar, whole in itself; instants in epoch ms. Its own feature values
 * are not read here: a decision is made on what the feature server serves.
 */
export const BarClosed = z.object({
  symbol: z.string().min(1),
  barTime: instant,
  availableAt: instant,
  session: z.iso.date(),
  open: price,
  high: price,
  low: price,
  close: price,
  macroReleasedAt: instant,
  timeNormalized: z.number(),
  gapBars: count,
  flags: z.array(z.string()),
  /** JSON has no NaN: a series that never published comes as null, and is older than any limit. */
  macroAgeMs: z
    .number()
    .nullable()
    .transform((age) => age ?? Number.NaN),
  definitionHash: hash,
})
export type BarClosed = z.output<typeof BarClosed>

import { z } from 'zod'

const instant = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], {
    error: 'expected an instant such as 2025-01-02T12:50:00Z',
  })
  .transform((text) => Date.parse(text))

const clockVariables = z.object({
  CLOCK_WALL_START: instant.optional(),
  CLOCK_MARKET_START: instant.optional(),
  CLOCK_SPEED: z.coerce.number().min(0.01).max(1_000).optional(),
  CLOCK_MARKET_END: instant.optional(),
})

/** A market clock as the environment gives it; instants in epoch ms. */
export interface ClockSettings {
  readonly wallStart: number
  readonly marketStart: number
  /** Market milliseconds a wall millisecond. */
  readonly speed: number
  readonly marketEnd: number | undefined
}

/**
 * The `CLOCK_*` variables, for a service's own schema: `z.object({ … }).and(clockSchema)` reads them
 * into `clock`. With none of them set it is undefined, which means wall time.
 */
export const clockSchema = missingNamed(clockVariables)
  .refine(
    ({ CLOCK_MARKET_START: start, CLOCK_MARKET_END: end }) =>
      start === undefined || end === undefined || start < end,
    { path: ['CLOCK_MARKET_END'], error: 'expected an instant after CLOCK_MARKET_START' },
  )
  .transform((read): { readonly clock: ClockSettings | undefined } => {
    const { CLOCK_WALL_START: wallStart, CLOCK_MARKET_START: marketStart } = read
    const { CLOCK_SPEED: speed, CLOCK_MARKET_END: marketEnd } = read
    if (wallStart === undefined || marketStart === undefined || speed === undefined)
      return { clock: undefined }
    return { clock: { wallStart, marketStart, speed, marketEnd } }
  })

/** Part of a clock is no clock: what is missing beside what is set is named. */
function missingNamed(schema: typeof clockVariables): typeof clockVariables {
  const needed = ['CLOCK_WALL_START', 'CLOCK_MARKET_START', 'CLOCK_SPEED'] as const
  return needed.reduce(
    (checked, name) =>
      checked.refine(
        (read) => read[name] !== undefined || Object.values(read).every((v) => v === undefined),
        {
          path: [name],
          error: 'needed beside the other CLOCK_ variables, or none of them',
          // Also where another of them cannot be read, so that one start names both.
          when: () => true,
        },
      ),
    schema,
  )
}

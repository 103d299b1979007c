import { expect, test } from 'vitest'
import { z } from 'zod'
import { clockSchema } from '../src/clock-config.ts'
import { parseEnv, portSchema } from '../src/config.ts'

const Env = z.object({ PORT: portSchema.default(1) }).and(clockSchema)

const whole = {
  CLOCK_WALL_START: '2026-03-01T09:30:00Z',
  CLOCK_MARKET_START: '2025-01-02',
  CLOCK_SPEED: '30',
}

test('is wall time when nothing of it is set', () => {
  expect(parseEnv(Env, { PORT: '70', CLOCK_SPEED: '', CLOCK_MARKET_END: '' })).toEqual({
    PORT: 70,
    clock: undefined,
  })
})

test('reads instants and a speed beside the variables of a service', () => {
  expect(parseEnv(Env, { ...whole, CLOCK_MARKET_END: '2025-06-30T18:10:00-05:00' })).toEqual({
    PORT: 1,
    clock: {
      wallStart: Date.UTC(2026, 2, 1, 9, 30),
      marketStart: Date.UTC(2025, 0, 2),
      speed: 30,
      marketEnd: Date.UTC(2025, 5, 30, 23, 10),
    },
  })
})

test('may go on without an end', () => {
  expect(parseEnv(Env, whole).clock).toMatchObject({ marketEnd: undefined })
})

test.for(['CLOCK_WALL_START', 'CLOCK_MARKET_START', 'CLOCK_SPEED'])(
  'names %s where only it is missing',
  (name) => {
    expect(() => parseEnv(Env, { ...whole, [name]: '' })).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: `the environment is not usable:\n✖ needed beside the other CLOCK_ variables, or none of them\n  → at ${name}`,
      }),
    )
  },
)

test.for([
  {
    fault: 'what is missing and what cannot be read, at once',
    env: { CLOCK_SPEED: 'fast', CLOCK_WALL_START: '' },
    at: ['CLOCK_SPEED', 'CLOCK_WALL_START'],
  },
  {
    fault: 'all that is missing beside an end alone',
    env: {
      CLOCK_SPEED: '',
      CLOCK_WALL_START: '',
      CLOCK_MARKET_START: '',
      CLOCK_MARKET_END: '2025-02-01',
    },
    at: ['CLOCK_SPEED', 'CLOCK_WALL_START', 'CLOCK_MARKET_START'],
  },
  { fault: 'no instant', env: { CLOCK_WALL_START: 'yesterday' }, at: ['CLOCK_WALL_START'] },
  {
    fault: 'an instant without a zone',
    env: { CLOCK_WALL_START: '2026-03-01T09:30:00' },
    at: ['CLOCK_WALL_START'],
  },
  { fault: 'a clock that stands', env: { CLOCK_SPEED: '0' }, at: ['CLOCK_SPEED'] },
  {
    fault: 'an end no later than the start',
    env: { CLOCK_MARKET_END: '2025-01-02' },
    at: ['CLOCK_MARKET_END'],
  },
])('names $fault', ({ env, at }) => {
  const read = () => parseEnv(Env, { ...whole, ...env })
  expect(read).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  for (const name of at) expect(read).toThrow(`at ${name}`)
})

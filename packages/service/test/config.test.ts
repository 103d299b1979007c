import { expect, test } from 'vitest'
import { z } from 'zod'
import { parseEnv, portSchema } from '../src/config.ts'

const Env = z.object({
  PORT: portSchema.default(6566),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
})

test('reads numbers and leaves what is unset at its default', () => {
  expect(parseEnv(Env, { PORT: '70', HOME: '/root' })).toEqual({ PORT: 70 })
})

test('takes an empty variable as unset', () => {
  expect(parseEnv(Env, { PORT: '', REDIS_URL: '' })).toEqual({ PORT: 6566 })
})

test('names every fault of the environment in one error', () => {
  expect(() => parseEnv(Env, { PORT: '1h', REDIS_URL: 'http://x' })).toThrow(
    expect.objectContaining({
      code: 'config_invalid',
      message: expect.stringMatching(/PORT[\s\S]*REDIS_URL/),
    }),
  )
})

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { apiKeysSchema } from '../src/auth.ts'
import { logLevelSchema, parseEnv, portSchema } from '../src/config.ts'

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

describe('a secret in a file', () => {
  const files: Record<string, string> = {
    '/run/secrets/redis': ' redis://u:hunter2@db \n',
    '/empty': '\n',
  }
  const options = {
    secrets: ['REDIS_URL'],
    readFile(path: string): string {
      const text = files[path]
      if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
      return text
    },
  }
  const read = (env: NodeJS.ProcessEnv) => parseEnv(Env, env, options)

  test('stands for the variable itself, without the space around it', () => {
    expect(read({ REDIS_URL_FILE: '/run/secrets/redis' })).toEqual({
      PORT: 6566,
      REDIS_URL: 'redis://u:hunter2@db',
    })
  })

  test('may be left out, and its variable empty', () => {
    expect(read({ REDIS_URL: 'redis://db', REDIS_URL_FILE: '' })).toMatchObject({
      REDIS_URL: 'redis://db',
    })
    expect(read({ REDIS_URL: '', REDIS_URL_FILE: '/run/secrets/redis' })).toMatchObject({
      REDIS_URL: 'redis://u:hunter2@db',
    })
  })

  test('is read from the disk', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'usdcop-config-'))
    try {
      const path = join(folder, 'redis_url')
      await writeFile(path, 'redis://db\n')
      const env = { REDIS_URL_FILE: path }
      expect(parseEnv(Env, env, { secrets: ['REDIS_URL'] })).toMatchObject({
        REDIS_URL: 'redis://db',
      })
      await rm(path)
      expect(() => parseEnv(Env, env, { secrets: ['REDIS_URL'] })).toThrow(
        `${path} cannot be read (ENOENT)`,
      )
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test.for([
    {
      fault: 'given twice',
      env: { REDIS_URL: 'redis://u:hunter2@db', REDIS_URL_FILE: '/run/secrets/redis' },
      says: 'REDIS_URL is given as well; one of the two is enough\n  → at REDIS_URL_FILE',
    },
    {
      fault: 'that cannot be read',
      env: { REDIS_URL_FILE: '/nowhere' },
      says: '/nowhere cannot be read (ENOENT)\n  → at REDIS_URL_FILE',
    },
    {
      fault: 'that holds nothing',
      env: { REDIS_URL_FILE: '/empty' },
      says: '/empty is empty\n  → at REDIS_URL_FILE',
    },
  ])('is refused when $fault, beside other faults', ({ env, says }) => {
    expect(() => read({ ...env, PORT: '1h' })).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: expect.stringMatching(/^(?![^]*hunter2)[^]*at PORT/),
      }),
    )
    expect(() => read({ ...env, PORT: '1h' })).toThrow(says)
  })

  test('is not looked for where the variable holds no secret', () => {
    expect(read({ PORT_FILE: '/nowhere' })).toEqual({ PORT: 6566 })
  })
})

test.for([
  { variable: 'DATABASE_URL', value: 'postgres//u:hunter2@db' },
  { variable: 'DATABASE_URL', value: 'mysql://u:hunter2@db' },
  { variable: 'DATABASE_URL', value: 'postgres://u:hunter2@db:port/x' },
  { variable: 'API_KEYS', value: 'desk:writer:hunter2' },
  { variable: 'API_KEYS', value: `desk:hunter2:${'0'.repeat(64)}` },
  { variable: 'LOG_LEVEL', value: 'hunter2' },
])('does not repeat the value that is off: $variable=$value', ({ variable, value }) => {
  const Secrets = z.object({
    DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
    API_KEYS: apiKeysSchema,
    LOG_LEVEL: logLevelSchema,
  })
  expect(() => parseEnv(Secrets, { [variable]: value })).toThrow(
    expect.objectContaining({
      message: expect.stringMatching(new RegExp(`^(?![^]*hunter2)[^]*at ${variable}`)),
    }),
  )
})

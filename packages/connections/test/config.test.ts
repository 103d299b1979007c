import { apiKeysSchema, digestOf } from '@usdcop/service/auth'
import { parseEnv } from '@usdcop/service/config'
import { serviceVaultSchema, vaultNameSchema, vaultPathSchema } from '@usdcop/vault/vault-config'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { checkCredentials } from '../src/config.ts'

const Env = z
  .object({
    API_KEYS: apiKeysSchema,
    API_KEYS_SECRET: vaultPathSchema.optional(),
    DATABASE_URL: z.string().optional(),
    DATABASE_ROLE: vaultNameSchema.optional(),
    REDIS_URL: z.string().optional(),
    REDIS_SECRET: vaultPathSchema.optional(),
    FEATURE_SERVER_KEY: z.string().default(''),
    FEATURE_SERVER_KEY_SECRET: vaultPathSchema.optional(),
  })
  .and(serviceVaultSchema)
  .superRefine(checkCredentials)

const VAULT = { VAULT_ADDR: 'https://vault:8200', VAULT_TOKEN: 'marker' }
const ALL = {
  ...VAULT,
  API_KEYS_SECRET: 'services/a',
  DATABASE_URL: 'postgres://timescaledb:5432/usdcop',
  DATABASE_ROLE: 'materializer',
  REDIS_URL: 'redis://redis:6379',
  REDIS_SECRET: 'trading/redis',
  FEATURE_SERVER_KEY_SECRET: 'services/a',
}

test('takes all from Vault, or nothing', () => {
  expect(parseEnv(Env, ALL)).toMatchObject({ DATABASE_ROLE: 'materializer' })
  const files = { DATABASE_URL: 'postgres://a:hunter2@b/c', REDIS_URL: 'redis://:hunter2@redis' }
  expect(parseEnv(Env, files).vault).toBeUndefined()
})

test.for([
  ['a role without Vault', { VAULT_ADDR: '', VAULT_TOKEN: '' }, 'DATABASE_ROLE'],
  ['a role without an address', { DATABASE_URL: '' }, 'DATABASE_ROLE'],
  ['a role beside a user', { DATABASE_URL: 'postgres://a@b/c' }, 'DATABASE_ROLE'],
  ['a role beside a password', { DATABASE_URL: 'postgres://:hunter2@b/c' }, 'DATABASE_ROLE'],
  ['a role that is a path', { DATABASE_ROLE: 'a/b' }, 'DATABASE_ROLE'],
  ['a secret beside a password', { REDIS_URL: 'redis://:hunter2@redis' }, 'REDIS_SECRET'],
  ['a secret without an address', { REDIS_URL: '' }, 'REDIS_SECRET'],
  ['a secret that climbs', { REDIS_SECRET: '../sys' }, 'REDIS_SECRET'],
  ['keys twice', { API_KEYS: `a:reader:${digestOf('a')}` }, 'API_KEYS_SECRET'],
  ['a key twice', { FEATURE_SERVER_KEY: 'marker' }, 'FEATURE_SERVER_KEY_SECRET'],
] as const)('refuses %s, and repeats no value', ([, env, name]) => {
  const parse = () => parseEnv(Env, { ...ALL, ...env })
  expect(parse).toThrow(`at ${name}`)
  expect(parse).not.toThrow(/marker|hunter2/)
})

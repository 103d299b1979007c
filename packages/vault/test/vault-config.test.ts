import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from '@usdcop/service/config'
import { describe, expect, onTestFinished, test } from 'vitest'
import { serviceVaultSchema, vaultSchema } from '../src/vault-config.ts'

const { signal } = new AbortController()
const read = (env: NodeJS.ProcessEnv) => parseEnv(vaultSchema, env).secrets
const VAULT = { VAULT_ADDR: 'https://vault:8200', VAULT_TOKEN: 'marker' }

test('without an address secrets come from variables, but for production', () => {
  expect(read({})).toEqual({ vault: undefined, environment: true })
  expect(() => read({ DEPLOYMENT_ENVIRONMENT: 'production' })).toThrow('needed in production')
})

test('reads the seed’s variables in its units', () => {
  const env = {
    ...VAULT,
    VAULT_CACHE_TTL: '300',
    VAULT_TIMEOUT: '30',
    VAULT_FALLBACK_TO_ENV: 'true',
  }
  expect(read(env)).toMatchObject({
    environment: true,
    vault: {
      address: 'https://vault:8200',
      mount: 'secret',
      ttlMs: 300_000,
      timeoutMs: 30_000,
      maxStaleMs: 900_000,
    },
  })
})

test('a service may have its secrets in files, in production too', () => {
  expect(parseEnv(serviceVaultSchema, { DEPLOYMENT_ENVIRONMENT: 'production' })).toEqual({
    vault: undefined,
  })
  expect(() => parseEnv(serviceVaultSchema, { VAULT_ADDR: 'https://vault:8200' })).toThrow(
    'SECRETS_BROKER_URL',
  )
})

describe('a way to log in', () => {
  test('is a token, or a secret id with its role', async () => {
    const token = await read(VAULT).vault?.source(signal)
    expect(token).toMatchObject({ kind: 'token' })
    const approle = {
      VAULT_ADDR: VAULT.VAULT_ADDR,
      VAULT_ROLE_ID: 'role',
      VAULT_SECRET_ID: 'marker',
    }
    expect(await read(approle).vault?.source(signal)).toMatchObject({
      kind: 'approle',
      roleId: 'role',
    })
    const wrapped = { ...approle, VAULT_SECRET_ID_WRAPPED_FOR: 'trading' }
    expect(await read(wrapped).vault?.source(signal)).toMatchObject({
      kind: 'wrapped',
      creationPath: 'auth/approle/role/trading/secret-id',
    })
  })

  test('is a folder that an identity keeps, that of the broker unless another role is named', () => {
    const folder = { VAULT_ADDR: VAULT.VAULT_ADDR, IDENTITY_DIR: '/run/broker' }
    expect(read(folder).vault?.folder?.role).toBe('secrets-broker')
    const named = { ...folder, VAULT_SECRET_ID_WRAPPED_FOR: 'trading' }
    expect(read(named).vault?.folder?.role).toBe('trading')
    expect(read(VAULT).vault?.folder).toBeUndefined()
    expect(() => read({ ...folder, VAULT_TOKEN: 'marker' })).toThrow('IDENTITY_DIR goes with it')
  })

  test('from a file is read at each login', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'usdcop-vault-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'secret-id')
    const { VAULT_ADDR } = VAULT
    const source = read({ VAULT_ADDR, VAULT_ROLE_ID: 'role', VAULT_SECRET_ID_FILE: file }).vault
      ?.source
    await expect(source?.(signal)).rejects.toMatchObject({ code: 'config_invalid' })
    for (const text of ['first', 'second']) {
      await writeFile(file, `${text}\n`)
      const credential = await source?.(signal)
      expect(credential?.kind === 'approle' ? credential.secretId.reveal() : undefined).toBe(text)
    }
    await writeFile(file, ' \n')
    await expect(source?.(signal)).rejects.toMatchObject({ message: `${file} is empty` })
  })
})

test.for([
  { name: 'no way to log in', env: { VAULT_TOKEN: '' }, says: 'one of VAULT_TOKEN' },
  {
    name: 'two ways to log in',
    env: { VAULT_SECRET_ID: 'marker', VAULT_ROLE_ID: 'r' },
    says: 'one of VAULT_TOKEN',
  },
  {
    name: 'a secret id without a role',
    env: { VAULT_TOKEN: '', VAULT_SECRET_ID: 'marker' },
    says: 'VAULT_ROLE_ID',
  },
  { name: 'a mount that climbs', env: { VAULT_MOUNT_PATH: '../sys' }, says: 'VAULT_MOUNT_PATH' },
  {
    name: 'a cache of more than five minutes',
    env: { VAULT_CACHE_TTL: '301' },
    says: 'VAULT_CACHE_TTL',
  },
  {
    name: 'plain text in production',
    env: { VAULT_ADDR: 'http://vault:8200', DEPLOYMENT_ENVIRONMENT: 'production' },
    says: 'TLS alone',
  },
  {
    name: 'a fallback in production',
    env: { VAULT_FALLBACK_TO_ENV: 'true', DEPLOYMENT_ENVIRONMENT: 'production' },
    says: 'VAULT_FALLBACK_TO_ENV',
  },
  {
    name: 'a broker beside a token',
    env: { SECRETS_BROKER_URL: 'https://broker:8210', SECRETS_BROKER_TOKEN: 'marker' },
    says: 'one of VAULT_TOKEN',
  },
  {
    name: 'a broker without TLS',
    env: {
      VAULT_TOKEN: '',
      SECRETS_BROKER_URL: 'http://broker:8210',
      SECRETS_BROKER_TOKEN: 'marker',
    },
    says: 'SECRETS_BROKER_URL is HTTPS',
  },
  {
    name: 'a broker to whom nothing is shown',
    env: { VAULT_TOKEN: '', SECRETS_BROKER_URL: 'https://broker:8210' },
    says: 'SECRETS_BROKER_TOKEN goes with',
  },
  {
    name: 'a certificate without its key',
    env: {
      VAULT_TOKEN: '',
      SECRETS_BROKER_URL: 'https://broker:8210',
      SECRETS_BROKER_CERT_FILE: '/a.crt',
    },
    says: 'go together',
  },
])('refuses $name, and repeats no value', ({ env, says }) => {
  const parse = () => read({ ...VAULT, ...env })
  expect(parse).toThrow(says)
  expect(parse).not.toThrow('marker')
})

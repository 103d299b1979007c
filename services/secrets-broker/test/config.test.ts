import { expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'

const vault = { VAULT_ADDR: 'https://vault:8200', VAULT_TOKEN: 'marker-token' }

test('listens on loopback, without certificates, unless told otherwise', () => {
  expect(readConfig(vault)).toMatchObject({
    host: '127.0.0.1',
    port: 8_210,
    adminPort: 8_211,
    apiKeys: [],
    hosts: [],
    tls: undefined,
    wrapTtlSeconds: 60,
    secretIdTtlSeconds: 120,
    limits: {
      requests: { burst: 200, perSecond: 50 },
      identities: { burst: 30, perSecond: 0.5 },
    },
    vault: { address: 'https://vault:8200', mount: 'secret' },
  })
})

test('reads the names it answers to, and its certificates', () => {
  const files = { TLS_CERT_FILE: '/c', TLS_KEY_FILE: '/k', CLIENT_CA_FILE: '/a' }
  const config = readConfig({ ...vault, ...files, HOST: '0.0.0.0', ALLOWED_HOSTS: 'broker, b' })
  expect(config.hosts).toEqual(['broker', 'b'])
  expect(config.tls).toEqual({
    certificateFile: '/c',
    keyFile: '/k',
    clientCaFile: '/a',
    clientCrlFile: undefined,
  })
})

test('rotates a Redis that is named, each day and with an hour of grace unless told otherwise', () => {
  expect(readConfig(vault).redisRotation).toBeUndefined()
  const rotation = readConfig({ ...vault, REDIS_ROTATION_URL: 'rediss://redis' }).redisRotation
  expect(rotation).toEqual({
    host: 'redis',
    port: 6_379,
    tls: true,
    user: 'rotor',
    path: 'trading/redis',
    periodMs: 86_400_000,
    graceMs: 3_600_000,
  })
})

const redis = { ...vault, REDIS_ROTATION_URL: 'redis://redis:6379' }

test.for([
  ['no Vault', {}, /VAULT_ADDR/],
  ['plain HTTP beyond loopback', { ...vault, HOST: '0.0.0.0' }, /speaks TLS alone/],
  ['half of a certificate', { ...vault, TLS_CERT_FILE: '/c' }, /go together/],
  ['client certificates over plain HTTP', { ...vault, CLIENT_CA_FILE: '/a' }, /CLIENT_CA_FILE/],
  ['a wrapping of an hour', { ...vault, WRAP_TTL_SECONDS: '3600' }, /WRAP_TTL_SECONDS/],
  [
    'a password in the address of Redis',
    { ...vault, REDIS_ROTATION_URL: 'redis://rotor:hunter2@redis' },
    /the password stands in Vault/,
  ],
  [
    'a database of Redis',
    { ...redis, REDIS_ROTATION_URL: 'redis://redis/1' },
    /host and port alone/,
  ],
  ['a grace that never ends', { ...redis, REDIS_ROTATION_PERIOD: '60' }, /REDIS_ROTATION_GRACE/],
  [
    'a secret that is no path',
    { ...redis, REDIS_ROTATION_SECRET: '../x' },
    /REDIS_ROTATION_SECRET/,
  ],
  ['ids that end in their wrapping', { ...vault, SECRET_ID_TTL_SECONDS: '30' }, /SECRET_ID_TTL/],
] as const)('does not start with %s', ([, env, says]) => {
  expect(() => readConfig(env)).toThrow(says)
  expect(() => readConfig(env)).not.toThrow(/marker|hunter2/)
})

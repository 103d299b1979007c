import { createPrivateKey, X509Certificate } from 'node:crypto'
import { chmod, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { expect, test } from 'vitest'
import {
  CALLERS,
  everything,
  folder,
  modeOf,
  openssl,
  prepare,
  SECRETS,
  secret,
  sha256,
  TLS,
  write,
} from './prepare-folder.ts'

test('makes secrets that agree with each other', async () => {
  await prepare()
  expect(await secret('postgres_password')).toMatch(/^[0-9a-f]{48}$/)
  const seeds = parseEnv(await secret('vault_seeds'))
  expect(seeds).toMatchObject({ REDIS_HOST: 'redis', REDIS_PORT: '6379', REDIS_USER: 'usdcop' })
  const users = (await secret('redis_users')).split('\n')
  expect(users.map((line) => line.split(' ').slice(0, 4).join(' '))).toEqual([
    'user default off',
    'user health on nopass',
    `user usdcop on >${seeds['REDIS_PASSWORD']}`,
    `user rotor on >${seeds['REDIS_ROTOR_PASSWORD']}`,
  ])
  expect(await secret('vault_database_password')).toBe(seeds['VAULT_DATABASE_PASSWORD'])
  expect(await secret('mlflow_database_url')).toBe(
    `postgresql+psycopg2://mlflow:${await secret('mlflow_database_password')}@mlflow-db:5432/mlflow`,
  )
  const entry = async (name: string, role: string, file: string) =>
    `${name}:${role}:${sha256(await secret(file))}`
  const prometheus = await entry('prometheus', 'reader', 'metrics_key')
  expect(seeds['API_KEYS']?.split(',')).toEqual([
    await entry('reader', 'reader', 'reader_key'),
    await entry('writer', 'writer', 'writer_key'),
    prometheus,
    `inference-gateway:writer:${sha256(seeds['FEATURE_SERVER_KEY'] ?? '')}`,
    `demo-feed:writer:${sha256(seeds['MATERIALIZER_KEY'] ?? '')}`,
  ])
  expect(seeds['BROKER_API_KEYS']?.split(',')).toEqual([
    prometheus,
    await entry('operator', 'admin', 'operator_key'),
  ])
  const passwords = SECRETS.filter((name) => /_(password|key)$/.test(name))
  const all = [...(await Promise.all(passwords.map(secret))), ...Object.values(seeds)]
  // The one of Vault's role is in both, and nothing else.
  expect(new Set(all).size).toBe(all.length - 1)
  expect(await secret('slack_webhook_url')).toBe('http://slack-is-not-configured.invalid/')
})

test('what an earlier version has made stays, and what is new is made of it', async () => {
  const earlier = {
    api_keys: 'x',
    gateway_key: 'g',
    reader_key: 'r',
    writer_key: 'w',
    metrics_key: 'm',
    redis_password: 'p',
    redis_url: 'u',
    'redis_users.acl': 'a',
    postgres_password: 'pg',
    database_url: 'd',
    grafana_database_password: 'gd',
  }
  for (const [name, text] of Object.entries(earlier)) await write(`secrets/${name}`, text, 0o444)
  const { code, stdout } = await prepare()
  expect(code).toBe(0)
  expect(stdout).toContain(
    'remove them once the stack runs: api_keys database_url gateway_key redis_password redis_url redis_users.acl',
  )
  for (const [name, text] of Object.entries(earlier)) expect(await secret(name)).toBe(text)
  const seeds = parseEnv(await secret('vault_seeds'))
  expect(seeds['API_KEYS']).toContain(`writer:writer:${sha256('w')}`)
  const before = await everything()
  expect(await prepare()).toMatchObject({ code: 0, stderr: '' })
  expect(await everything()).toEqual(before)
})

test('seeds of a version whose feed had a file gain a key of its own, once, and keep all else', async () => {
  await prepare()
  const made = await secret('vault_seeds')
  const earlier = made.replace(/,demo-feed:.*/, '').replace(/\nMATERIALIZER_KEY=.*/, '')
  expect(earlier.length).toBeLessThan(made.length - 100)
  await chmod(join(folder, 'secrets/vault_seeds'), 0o644)
  await write('secrets/vault_seeds', `${earlier}\n`, 0o444)
  const { code, stdout } = await prepare()
  expect(code).toBe(0)
  expect(stdout).toContain('made in secrets/: vault_seeds\n')
  const { MATERIALIZER_KEY: key = '', ...seeds } = parseEnv(await secret('vault_seeds'))
  const before = parseEnv(earlier)
  expect(key).toMatch(/^[0-9a-f]{48}$/)
  expect(seeds).toEqual({
    ...before,
    API_KEYS: `${before['API_KEYS']},demo-feed:writer:${sha256(key)}`,
  })
  const after = await everything()
  expect(await prepare()).toMatchObject({ code: 0, stderr: '' })
  expect(await everything()).toEqual(after)
})

test('certificates are of our own authority, say who has them, and are renewed when asked', {
  timeout: 20_000,
}, async () => {
  await prepare()
  const read = async (name: string) => new X509Certificate(await secret(`tls/${name}.crt`))
  const authority = await read('ca')
  expect(authority.ca).toBe(true)
  for (const name of [...CALLERS, 'secrets-broker']) {
    const certificate = await read(name)
    expect(certificate.verify(authority.publicKey)).toBe(true)
    expect(certificate.checkPrivateKey(createPrivateKey(await secret(`tls/${name}.key`)))).toBe(
      true,
    )
    const days = (certificate.validToDate.getTime() - Date.now()) / 86_400_000
    expect(days).toBeGreaterThan(364)
    expect(certificate.subjectAltName?.split(', ')[0]).toBe(`DNS:${name}`)
    // A caller cannot stand in for the broker, nor the broker for a caller.
    const usage = name === 'secrets-broker' ? '1.3.6.1.5.5.7.3.1' : '1.3.6.1.5.5.7.3.2'
    expect(certificate.keyUsage).toEqual([usage])
  }
  const before = await everything()
  const inode = async () => (await stat(join(folder, 'secrets/tls/materializer.key'))).ino
  const mounted = await inode()
  const { code, stdout } = await prepare('--renew-certificates')
  expect(code).toBe(0)
  expect(stdout).toContain('the broker takes its own within seconds')
  // A container that runs has this very file, and no other of its name.
  expect(await inode()).toBe(mounted)
  const after = await everything()
  const changed = Object.keys(after).filter((name) => after[name] !== before[name])
  expect(changed).toEqual(
    TLS.filter((name) => !name.startsWith('ca.')).map((n) => `secrets/tls/${n}`),
  )
  expect((await read('materializer')).verify(authority.publicKey)).toBe(true)

  await rm(join(folder, 'secrets/tls/ca.key'))
  const without = await prepare('--renew-certificates')
  expect(without.code).toBe(1)
  expect(without.stderr).toContain('secrets/tls/ca.key is not there')
  expect(await everything()).toEqual(
    Object.fromEntries(Object.entries(after).filter(([name]) => !name.endsWith('ca.key'))),
  )
})

test('says which certificate ends within a month', async () => {
  await prepare()
  const tls = (name: string) => join(folder, 'secrets/tls', name)
  const csr = ['-key', tls('materializer.key'), '-subj', '/CN=materializer', '-out', tls('csr')]
  await openssl('req', '-new', ...csr)
  await chmod(tls('materializer.crt'), 0o644)
  const ca = ['-CA', tls('ca.crt'), '-CAkey', tls('ca.key'), '-set_serial', '1']
  const out = ['-in', tls('csr'), '-out', tls('materializer.crt'), '-days', '29']
  await openssl('x509', '-req', ...ca, ...out)
  const { code, stderr } = await prepare()
  expect(code).toBe(0)
  expect(stderr).toContain('secrets/tls/materializer.crt ends soon or has ended (notAfter=')
  expect(stderr).not.toContain('feature-server')
})

test('gives Vault a certificate in production, and leaves one of the operator’s alone', {
  timeout: 20_000,
}, async () => {
  await prepare('production')
  const vault = new X509Certificate(await secret('vault-tls/tls.crt'))
  expect(vault.verify(new X509Certificate(await secret('tls/ca.crt')).publicKey)).toBe(true)
  expect(vault.subjectAltName).toBe('DNS:vault, DNS:localhost, IP Address:127.0.0.1')
  expect(await secret('vault-tls/ca.crt')).toBe(await secret('tls/ca.crt'))
  // Vault's container reads them as a user of its own.
  for (const name of ['ca.crt', 'tls.crt', 'tls.key'])
    expect(await modeOf(`secrets/vault-tls/${name}`)).toBe('444')
  const { stdout } = await prepare('--renew-certificates')
  expect(stdout).toContain('signed secrets/vault-tls/tls.crt')
  for (const name of ['ca.crt', 'tls.crt', 'tls.key'])
    await write(`secrets/vault-tls/${name}`, 'somebody else’s')
  await prepare('--renew-certificates')
  expect(await secret('vault-tls/tls.key')).toBe('somebody else’s')
})

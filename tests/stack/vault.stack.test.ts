import { describe, expect, test } from 'vitest'
import { ask, askJson } from './support/http.ts'
import { readVaultSetup, withVaultToken } from './support/vault.ts'

describe('Vault', () => {
  test('is initialised, unsealed and active', async ({ signal }) => {
    const health = await askJson<object>('vault', '/v1/sys/health', {}, signal)
    expect(health).toMatchObject({ initialized: true, sealed: false, standby: false })
  })

  test('has KV version 2 at secret/, AppRole, and a policy for each of the seed’s users', async ({
    signal,
  }) => {
    const { mounts, auth, policies } = await readVaultSetup(signal)
    expect(mounts['secret/']).toMatchObject({ type: 'kv', options: { version: '2' } })
    expect(auth['approle/']).toMatchObject({ type: 'approle' })
    expect(policies).toEqual(expect.arrayContaining(['trading-policy', 'airflow-policy']))
  })

  test('keeps the versions of a secret and forgets it when told', async ({ signal }) => {
    const headers = withVaultToken()
    const data = '/v1/secret/data/stack-ring/probe'
    for (const value of ['first', 'second'])
      await askJson('vault', data, { body: { data: { value } }, headers }, signal)
    const newest = await askJson<object>('vault', data, { headers }, signal)
    expect(newest).toMatchObject({ data: { data: { value: 'second' } } })

    const gone = '/v1/secret/metadata/stack-ring/probe'
    expect(await ask('vault', gone, { method: 'DELETE', headers }, signal)).toMatchObject({
      status: 204,
    })
    expect(await ask('vault', data, { headers }, signal)).toMatchObject({ status: 404 })
  })

  test('tells a stranger nothing', async ({ signal }) => {
    const headers = { 'x-vault-token': 'not-a-token' }
    const { status } = await ask('vault', '/v1/sys/mounts', { headers }, signal)
    expect(status).toBe(403)
  })
})

import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createEnvironmentReader, createEnvironmentSecrets } from '../src/environment-secrets.ts'
import { createTradingSecrets, TRADING_VARIABLES } from '../src/trading-secrets.ts'

const { signal } = new AbortController()

/** A field by its path and name, as variables of a reader that needs no server. */
function secretsOf(paths: Readonly<Record<string, Readonly<Record<string, string>>>>) {
  const env: Record<string, string> = {}
  const allowed = Object.fromEntries(
    Object.entries(paths).map(([path, fields], at) => [
      path,
      Object.fromEntries(
        Object.entries(fields).map(([field, value], index) => {
          env[`V_${at}_${index}`] = value
          return [field, `V_${at}_${index}`]
        }),
      ),
    ]),
  )
  const secrets = createEnvironmentSecrets({ mount: 'secret', allowed, env, production: false })
  return createTradingSecrets(createEnvironmentReader(secrets))
}

describe('the trading system’s secrets', () => {
  test('are read from the paths where it keeps them', async () => {
    const secrets = secretsOf({
      'trading/database': {
        host: 'db',
        port: '5432',
        database: 'usdcop',
        user: 'u',
        password: 'marker-1',
      },
      'trading/redis': { host: 'redis', port: '6379', password: 'marker-2' },
      'trading/minio': { access_key: 'marker-3', secret_key: 'marker-4' },
      'trading/jwt': { secret: 'marker-5' },
      'trading/twelvedata': {
        api_key_2: 'marker-7',
        api_key_10: 'marker-8',
        api_key_1: 'marker-6',
        note: 'x',
      },
      'trading/twelvedata/g1': { api_key_1: 'marker-9' },
      'trading/llm/anthropic': { api_key: 'marker-0' },
    })
    const database = await secrets.database(signal)
    const redis = await secrets.redis(signal)
    const minio = await secrets.minio(signal)
    const common = await secrets.twelvedata(undefined, signal)
    const group = await secrets.twelvedata('g1', signal)
    const all = { database, redis, minio, common, group }
    expect(database).toMatchObject({ host: 'db', port: 5_432, database: 'usdcop', user: 'u' })
    expect(redis).toMatchObject({ host: 'redis', port: 6_379 })
    expect(common.map((key) => key.reveal())).toEqual(['marker-6', 'marker-7', 'marker-8'])
    expect(group.map((key) => key.reveal())).toEqual(['marker-9'])
    expect(
      [database.password, redis.password, minio.accessKey, minio.secretKey].map((one) =>
        one.reveal(),
      ),
    ).toEqual(['marker-1', 'marker-2', 'marker-3', 'marker-4'])
    expect((await secrets.jwt(signal)).reveal()).toBe('marker-5')
    expect((await secrets.llm('anthropic', signal)).reveal()).toBe('marker-0')
    expect(`${inspect(all, { depth: Infinity })}${JSON.stringify(all)}`).not.toContain('marker')
  })

  test('name the field that is missing, and a port that is none', async () => {
    const secrets = secretsOf({
      'trading/database': { host: 'db', port: 'marker', database: 'd', user: 'u', password: 'p' },
      'trading/redis': { host: 'redis' },
    })
    await expect(secrets.redis(signal)).rejects.toMatchObject({
      code: 'secret_absent',
      message: 'trading/redis has no field port',
    })
    await expect(secrets.database(signal)).rejects.toMatchObject({
      message: expect.not.stringContaining('marker'),
    })
    await expect(secrets.twelvedata('../x', signal)).rejects.toMatchObject({
      code: 'secret_path_invalid',
    })
    await expect(secrets.jwt(signal)).rejects.toMatchObject({ code: 'secret_absent' })
  })

  test('come from the variables that they used to, where these may stand in', async () => {
    const env = {
      POSTGRES_HOST: 'h',
      POSTGRES_PORT: '1',
      POSTGRES_DB: 'd',
      POSTGRES_USER: 'u',
      POSTGRES_PASSWORD: 'p',
    }
    const options = { mount: 'secret', allowed: TRADING_VARIABLES, env, production: false }
    const secrets = createTradingSecrets(createEnvironmentReader(createEnvironmentSecrets(options)))
    expect(await secrets.database(signal)).toMatchObject({
      host: 'h',
      port: 1,
      database: 'd',
      user: 'u',
    })
    await expect(secrets.redis(signal)).rejects.toMatchObject({ code: 'secret_absent' })
  })
})

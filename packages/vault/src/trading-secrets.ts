import { ServiceError } from '@usdcop/service/errors'
import type { AllowedVariables } from './environment-secrets.ts'
import type { Secret } from './secret.ts'
import type { SecretReader } from './secret-reader.ts'

export interface DatabaseSecret {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: Secret
}

export interface RedisSecret {
  readonly host: string
  readonly port: number
  readonly password: Secret
}

export interface MinioSecret {
  readonly accessKey: Secret
  readonly secretKey: Secret
}

export type LlmProvider = 'anthropic' | 'deepseek' | 'openai'

/** The secrets of the trading system, at the paths where it has always kept them. */
export interface TradingSecrets {
  database(signal: AbortSignal): Promise<DatabaseSecret>
  redis(signal: AbortSignal): Promise<RedisSecret>
  minio(signal: AbortSignal): Promise<MinioSecret>
  /** What tokens are signed with. */
  jwt(signal: AbortSignal): Promise<Secret>
  /**
   * Keys of the market data provider, which are used in turn.
   * @param group of keys, `g1` or `g2`; undefined is the common one
   */
  twelvedata(group: string | undefined, signal: AbortSignal): Promise<readonly Secret[]>
  llm(provider: LlmProvider, signal: AbortSignal): Promise<Secret>
}

/** The variables that the trading system used to take them from, for `createEnvironmentSecrets`. */
export const TRADING_VARIABLES: AllowedVariables = {
  'trading/database': {
    host: 'POSTGRES_HOST',
    port: 'POSTGRES_PORT',
    database: 'POSTGRES_DB',
    user: 'POSTGRES_USER',
    password: 'POSTGRES_PASSWORD',
  },
  'trading/redis': { host: 'REDIS_HOST', port: 'REDIS_PORT', password: 'REDIS_PASSWORD' },
  'trading/minio': { access_key: 'MINIO_ACCESS_KEY', secret_key: 'MINIO_SECRET_KEY' },
  'trading/jwt': { secret: 'JWT_SECRET' },
  'trading/twelvedata': { api_key_1: 'TWELVEDATA_API_KEY_1' },
  'trading/llm/anthropic': { api_key: 'ANTHROPIC_API_KEY' },
  'trading/llm/deepseek': { api_key: 'DEEPSEEK_API_KEY' },
  'trading/llm/openai': { api_key: 'OPENAI_API_KEY' },
}

/** @throws (each) ServiceError `secret_absent` for a field that is not there, and what the reader throws */
export function createTradingSecrets(reader: SecretReader, mount = 'secret'): TradingSecrets {
  const fieldsOf = async (path: string, signal: AbortSignal) => {
    const { fields } = await reader.read({ mount, path }, signal)
    return {
      fields,
      secret: (name: string): Secret => {
        const value = fields.get(name)
        if (value === undefined)
          throw new ServiceError('secret_absent', `${path} has no field ${name}`)
        return value
      },
    }
  }
  return {
    async database(signal) {
      const { secret } = await fieldsOf('trading/database', signal)
      return {
        host: secret('host').reveal(),
        port: portOf(secret('port')),
        database: secret('database').reveal(),
        user: secret('user').reveal(),
        password: secret('password'),
      }
    },
    async redis(signal) {
      const { secret } = await fieldsOf('trading/redis', signal)
      return {
        host: secret('host').reveal(),
        port: portOf(secret('port')),
        password: secret('password'),
      }
    },
    async minio(signal) {
      const { secret } = await fieldsOf('trading/minio', signal)
      return { accessKey: secret('access_key'), secretKey: secret('secret_key') }
    },
    async jwt(signal) {
      const { secret } = await fieldsOf('trading/jwt', signal)
      return secret('secret')
    },
    async twelvedata(group, signal) {
      const path = group === undefined ? 'trading/twelvedata' : `trading/twelvedata/${group}`
      const { fields, secret } = await fieldsOf(path, signal)
      secret('api_key_1')
      const numbered = [...fields].flatMap(([name, value]) => {
        const number = /^api_key_(?<number>\d+)$/.exec(name)?.groups?.['number']
        return number === undefined ? [] : [{ number: Number(number), value }]
      })
      return numbered.toSorted((a, b) => a.number - b.number).map(({ value }) => value)
    },
    async llm(provider, signal) {
      const { secret } = await fieldsOf(`trading/llm/${provider}`, signal)
      return secret('api_key')
    },
  }
}

function portOf(text: Secret): number {
  const port = Number(text.reveal())
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new ServiceError('vault_refused', 'the port of a secret is not a port')
  return port
}

import { ServiceError } from '@usdcop/service/errors'
import type { RedisConfig } from './repo-config.ts'

/** Of Python's client alone: they change no answer. */
const WITHOUT_EFFECT = new Set([
  'decode_responses',
  'health_check_interval',
  'max_connections',
  'retry_on_timeout',
  'skip_full_coverage_check',
  'socket_connect_timeout',
  'socket_keepalive',
  'socket_timeout',
])

type Connection = Pick<RedisConfig, 'nodes' | 'username' | 'password' | 'database' | 'tls'>

/**
 * Feast's `redis1:6379,redis2:6379,ssl=true,password=…`: what holds a `:` and no `=` is a node, the rest
 * are options.
 * @throws ServiceError `config_invalid` naming an option that is not known here; never a value
 */
export function parseConnectionString(text: string): Connection {
  const parts = text.split(',').filter((part) => part !== '')
  const nodes = parts.filter((part) => !part.includes('=')).map(nodeOf)
  const options = new Map(
    parts
      .filter((part) => part.includes('='))
      .map(
        (part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)] as const,
      ),
  )
  for (const name of options.keys())
    if (!['db', 'password', 'ssl', 'username'].includes(name) && !WITHOUT_EFFECT.has(name))
      throw new ServiceError(
        'config_invalid',
        `online_store.connection_string: the option '${name}' is not supported here`,
      )
  return {
    nodes,
    username: options.get('username'),
    password: options.get('password'),
    database: databaseOf(options.get('db') ?? '0'),
    tls: options.get('ssl')?.toLowerCase() === 'true',
  }
}

function nodeOf(part: string): { readonly host: string; readonly port: number } {
  const colon = part.lastIndexOf(':')
  const host = colon < 0 ? part : part.slice(0, colon)
  const port = colon < 0 ? 6379 : Number(part.slice(colon + 1))
  // What is no node may be the end of a password.
  if (host === '' || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw new ServiceError(
      'config_invalid',
      'online_store.connection_string: a part of it is neither host:port nor an option',
    )
  return { host, port }
}

function databaseOf(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text)
  throw new ServiceError('config_invalid', 'online_store.connection_string: db is no number')
}

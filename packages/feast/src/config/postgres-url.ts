import { ServiceError } from '@usdcop/service/errors'

/** A PostgreSQL server as SQLAlchemy's URL names it. Holds a password: never shown. */
export interface PostgresConnection {
  readonly host: string | undefined
  readonly port: number | undefined
  readonly user: string | undefined
  readonly password: string | undefined
  readonly database: string | undefined
  /** How to speak to it, in the order to try. */
  readonly ways: readonly [Way] | readonly [Way, Way]
  /** libpq's `options`, as `-c search_path=feast`. */
  readonly options: string | undefined
}

export type Way = Tls | 'plain'

/** As libpq means it. */
export interface Tls {
  readonly verify: 'nothing' | 'chain' | 'chain and host'
  readonly caPath: string | undefined
  readonly certPath: string | undefined
  readonly keyPath: string | undefined
}

/** As SQLAlchemy cuts it: a password may hold anything but an `@`. */
const URL_PARTS =
  /^(?<dialect>[\w+]+):\/\/(?:(?<user>[^:/]*)(?::(?<password>[^@]*))?@)?(?:(?:\[(?<ipv6>[^/?]+)\]|(?<host>[^:/?]+))?(?::(?<port>\d+))?)?(?:\/(?<database>[^?]*))?(?:\?(?<query>.*))?$/s

const DIALECT = /^postgres(?:ql)?(?:\+\w+)?$/

/** Of libpq, and without a meaning here. */
const WITHOUT_EFFECT = new Set([
  'application_name',
  'client_encoding',
  'connect_timeout',
  'gssencmode',
  'keepalives',
  'keepalives_count',
  'keepalives_idle',
  'keepalives_interval',
  'target_session_attrs',
])
const WITH_EFFECT = new Set([
  'dbname',
  'host',
  'options',
  'password',
  'port',
  'sslcert',
  'sslkey',
  'sslmode',
  'sslrootcert',
  'user',
])

/**
 * @param connectArgs what `sqlalchemy_config_kwargs` gives the driver beside the URL
 * @throws ServiceError `config_invalid` for another database, or naming an option that is not known
 *   here; never a value
 */
export function parsePostgresUrl(
  url: string,
  connectArgs: Readonly<Record<string, unknown>> = {},
): PostgresConnection {
  const parts = URL_PARTS.exec(url)?.groups
  if (parts === undefined || !DIALECT.test(parts['dialect'] ?? ''))
    throw new ServiceError('config_invalid', 'registry.path: only URLs of PostgreSQL are read here')
  const { user, password, ipv6, host, port, database, query = '' } = parts
  const options = new Map<string, string>()
  new URLSearchParams(query).forEach((value, name) => options.set(name, value))
  for (const [name, value] of Object.entries(connectArgs)) options.set(name, String(value))
  for (const name of options.keys())
    if (!WITH_EFFECT.has(name) && !WITHOUT_EFFECT.has(name))
      throw new ServiceError(
        'config_invalid',
        `registry.path: the option '${name}' is not supported here`,
      )
  return {
    host: options.get('host') ?? ipv6 ?? host,
    port: numberOf(options.get('port') ?? port),
    user: options.get('user') ?? unquoted(user),
    password: options.get('password') ?? unquoted(password),
    database: options.get('dbname') ?? (database || undefined),
    ways: waysOf(options),
    options: options.get('options'),
  }
}

function unquoted(text: string | undefined): string | undefined {
  // What Python's `unquote` cannot read, it leaves.
  return text?.replaceAll(/(?:%[0-9a-f]{2})+/gi, (bytes) =>
    Buffer.from(bytes.replaceAll('%', ''), 'hex').toString(),
  )
}

function numberOf(port: string | undefined): number | undefined {
  return port === undefined ? undefined : Number(port)
}

/**
 * As libpq: `prefer`, which it takes without a word, goes on in plain where TLS fails, for whatever
 * reason; `allow` tries them the other way round.
 */
function waysOf(options: ReadonlyMap<string, string>): PostgresConnection['ways'] {
  const isSystem = options.get('sslrootcert') === 'system'
  const mode = options.get('sslmode') ?? (isSystem ? 'verify-full' : 'prefer')
  if (isSystem && mode !== 'verify-full')
    throw new ServiceError(
      'config_invalid',
      'registry.path: sslrootcert=system needs sslmode=verify-full',
    )
  const caPath = isSystem ? undefined : options.get('sslrootcert')
  const files = { caPath, certPath: options.get('sslcert'), keyPath: options.get('sslkey') }
  // libpq, too, looks at the chain where it is told whose it is.
  const tls: Tls = { verify: caPath === undefined ? 'nothing' : 'chain', ...files }
  switch (mode) {
    case 'disable':
      return ['plain']
    case 'allow':
      return ['plain', tls]
    case 'prefer':
      return [tls, 'plain']
    case 'require':
      return [tls]
    case 'verify-ca':
      return [{ ...tls, verify: 'chain' }]
    case 'verify-full':
      return [{ ...tls, verify: 'chain and host' }]
    default:
      throw new ServiceError('config_invalid', 'registry.path: sslmode is none that libpq knows')
  }
}

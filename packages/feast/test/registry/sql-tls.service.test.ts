import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ServiceError } from '@usdcop/service/errors'
import { type OwnPostgres, psqlPath, startOwnPostgres } from '@usdcop/tests/support/postgres'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { parsePostgresUrl } from '../../src/config/postgres-url.ts'
import { openConnection } from '../../src/registry/sql/connection.ts'
import { openSqlRegistry } from '../../src/registry/sql/store.ts'
import { shop } from './shop.ts'

const run = promisify(execFile)
const world = new AsyncDisposableStack()
let folder: string
/** `both` takes who comes with TLS and who does not; the name in its certificate is `localhost`. */
let servers: Readonly<Record<'both' | 'tls' | 'plain', OwnPostgres>>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'usdcop-sql-tls-'))
  world.defer(async () => await rm(folder, { recursive: true }))
  for (const name of ['ours', 'theirs']) await authority(name)
  const byName = await certificate('by-name', 'DNS:localhost')
  const byAddress = await certificate('by-address', 'IP:127.0.0.1')
  servers = {
    both: world.use(await startOwnPostgres(byName)),
    tls: world.use(await startOwnPostgres({ ...byAddress, only: true })),
    plain: world.use(await startOwnPostgres()),
  }
}, 120_000)
afterAll(async () => await world.disposeAsync())

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc']
const file = (name: string) => join(folder, name)

async function authority(name: string): Promise<void> {
  const [key, cert] = [file(`${name}.key`), file(`${name}.crt`)]
  const is = ['-days', '2', '-subj', `/CN=${name}`, '-addext', 'keyUsage=critical,keyCertSign']
  await run('openssl', ['req', '-x509', ...EC, '-keyout', key, '-out', cert, ...is])
}

/** One that `ours` has signed. */
async function certificate(name: string, altName: string) {
  const [key, cert] = [file(`${name}.key`), file(`${name}.crt`)]
  const of = ['-days', '2', '-subj', '/CN=nobody', '-addext', `subjectAltName=${altName}`]
  const by = ['-CA', file('ours.crt'), '-CAkey', file('ours.key')]
  const notOne = ['-addext', 'basicConstraints=critical,CA:FALSE']
  await run('openssl', [
    'req',
    '-x509',
    ...EC,
    ...by,
    '-keyout',
    key,
    '-out',
    cert,
    ...of,
    ...notOne,
  ])
  return { cert, key }
}

type Case = readonly [
  server: 'both' | 'tls' | 'plain',
  host: 'localhost' | '127.0.0.1',
  query: string,
  becomes: 'TLS' | 'plain' | 'refused',
]

// By name the certificate of `both` fits, by address that of `tls`.
const CASES: readonly Case[] = [
  ['both', 'localhost', 'sslmode=disable', 'plain'],
  ['both', 'localhost', 'sslmode=allow', 'plain'],
  ['both', 'localhost', 'sslmode=prefer', 'TLS'],
  ['both', 'localhost', '', 'TLS'],
  ['both', 'localhost', 'sslmode=require', 'TLS'],
  ['both', 'localhost', 'sslmode=require&sslrootcert=ours.crt', 'TLS'],
  ['both', 'localhost', 'sslmode=require&sslrootcert=theirs.crt', 'refused'],
  ['both', 'localhost', 'sslmode=prefer&sslrootcert=theirs.crt', 'plain'],
  ['both', '127.0.0.1', 'sslmode=require&sslrootcert=ours.crt', 'TLS'],
  ['both', '127.0.0.1', 'sslmode=verify-ca&sslrootcert=ours.crt', 'TLS'],
  ['both', 'localhost', 'sslmode=verify-ca&sslrootcert=theirs.crt', 'refused'],
  ['both', 'localhost', 'sslmode=verify-full&sslrootcert=ours.crt', 'TLS'],
  ['both', '127.0.0.1', 'sslmode=verify-full&sslrootcert=ours.crt', 'refused'],
  ['both', 'localhost', 'sslmode=verify-full&sslrootcert=theirs.crt', 'refused'],
  ['tls', '127.0.0.1', 'sslmode=verify-full&sslrootcert=ours.crt', 'TLS'],
  ['tls', 'localhost', 'sslmode=verify-full&sslrootcert=ours.crt', 'refused'],
  ['tls', '127.0.0.1', 'sslmode=disable', 'refused'],
  ['tls', '127.0.0.1', 'sslmode=allow', 'TLS'],
  ['tls', '127.0.0.1', 'sslmode=prefer&sslrootcert=theirs.crt', 'refused'],
  ['plain', '127.0.0.1', 'sslmode=prefer', 'plain'],
  ['plain', '127.0.0.1', 'sslmode=disable', 'plain'],
  ['plain', '127.0.0.1', 'sslmode=require', 'refused'],
  ['plain', '127.0.0.1', 'sslmode=verify-full&sslrootcert=ours.crt', 'refused'],
]

const ASKED = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()'

function urlOf(server: Case[0], host: Case[1], query: string): string {
  const { port } = new URL(servers[server].url)
  const named = query.replace('sslrootcert=', `sslrootcert=${folder}/`)
  return `postgresql+psycopg://postgres@${host}:${port}/postgres?${named}`
}

test.for(CASES)('%s by %s with "%s": %s', async ([server, host, query, becomes], { signal }) => {
  const url = urlOf(server, host, query)
  const connection = openConnection(parsePostgresUrl(url))
  onTestFinished(async () => await connection.close())
  const asked = connection.use(
    async (sql) => ((await sql<{ readonly ssl: boolean }>(ASKED))[0]?.ssl ? 'TLS' : 'plain'),
    signal,
  )
  const became = asked.catch((error: unknown) => {
    if (error instanceof ServiceError && error.code === 'store_unavailable') return 'refused'
    throw error
  })
  expect(await became).toBe(becomes)
})

const psql = psqlPath()

test.skipIf(psql === undefined)('all of which is what libpq makes of the same', async () => {
  const said = await Promise.all(
    CASES.map(async ([server, host, query]) => {
      const url = urlOf(server, host, query).replace('+psycopg', '')
      const env = { PATH: process.env['PATH'], HOME: folder }
      return await run(psql as string, [url, '-Atc', ASKED], { env }).then(
        ({ stdout }) => (stdout === 't\n' ? 'TLS' : 'plain'),
        () => 'refused',
      )
    }),
  )
  expect(said).toEqual(CASES.map(([, , , becomes]) => becomes))
})

test('a registry is applied, followed and read over TLS', async ({ signal }) => {
  const url = urlOf('tls', '127.0.0.1', 'sslmode=verify-full&sslrootcert=ours.crt')
  const connection = parsePostgresUrl(url)
  const flags = { makesTables: true, keepsMetadata: true, onlineVersioning: false }
  const config = { type: 'sql' as const, connection, readConnection: connection, ...flags }
  const store = openSqlRegistry(config, 'shop', Date.now)
  onTestFinished(async () => await store.close())
  await store.apply(shop(), signal)
  expect([...(await store.read(signal)).views.keys()]).toEqual(['stats', 'nobody'])
  // It comes back as it was spoken to, and with the same care.
  await servers.tls.down('SIGINT')
  await expect(store.read(signal)).rejects.toMatchObject({ code: 'store_unavailable' })
  await servers.tls.up()
  expect((await store.read(signal)).views.size).toBe(2)
})

test('names a file of certificates that is not there', async ({ signal }) => {
  const url = urlOf('both', 'localhost', 'sslmode=verify-full&sslrootcert=nothing.crt')
  const connection = openConnection(parsePostgresUrl(url))
  await expect(connection.use(async () => {}, signal)).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining('nothing.crt cannot be read'),
  })
})

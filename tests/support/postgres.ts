import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { chmod, chown, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { GenericContainer, Wait } from 'testcontainers'

export interface PostgresServer extends AsyncDisposable {
  /** URL of the server's `postgres` database. */
  readonly url: string
  /** Makes an empty database and returns its URL. */
  createDatabase(): Promise<string>
}

/** One that may be stopped and started again, at the same address, with what was committed. */
export interface OwnPostgres extends PostgresServer {
  /** SIGINT breaks all connections off with a word, SIGQUIT without a checkpoint, as a crash does. */
  down(signal: 'SIGINT' | 'SIGQUIT'): Promise<void>
  up(): Promise<void>
}

/**
 * A real PostgreSQL: the one at `DATABASE_URL` (in which only databases of our own are made and
 * dropped), else local binaries, else a container.
 */
export async function startPostgres(): Promise<PostgresServer> {
  const given = process.env['DATABASE_URL']
  if (given !== undefined && given !== '') return server(given, async () => {})
  return (await startLocal()) ?? (await startContainer())
}

/** A server's certificate and key, PEM files; `only` refuses who comes without TLS. */
export interface ServerTls {
  readonly cert: string
  readonly key: string
  readonly only?: boolean
}

/** Local binaries, whatever `DATABASE_URL` says: somebody else's server is not ours to stop. */
export async function startOwnPostgres(tls?: ServerTls): Promise<OwnPostgres> {
  const local = await startLocal(tls)
  if (local === undefined) throw new Error('no PostgreSQL here: apt-get install postgresql')
  return local
}

function server(url: string, stop: () => Promise<void>): PostgresServer {
  const made: string[] = []
  return {
    url,
    createDatabase: async () => {
      const name = `usdcop_test_${randomBytes(6).toString('hex')}`
      await administer(url, `create database ${name}`)
      made.push(name)
      const to = new URL(url)
      to.pathname = `/${name}`
      return to.href
    },
    [Symbol.asyncDispose]: async () => {
      for (const name of made) await administer(url, `drop database ${name} with (force)`)
      await stop()
    },
  }
}

async function administer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

async function startLocal(tls?: ServerTls): Promise<OwnPostgres | undefined> {
  const bin = localBinaries()
  if (bin === undefined) return undefined
  const owner = await unprivileged()
  const directory = await mkdtemp(join(tmpdir(), 'usdcop-postgres-'))
  if (owner !== undefined) await chown(directory, owner.uid, owner.gid)
  const data = join(directory, 'data')
  const initdb = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync']
  await promisify(execFile)(join(bin, 'initdb'), initdb, { cwd: directory, ...owner })
  if (tls !== undefined) await giveTls(data, tls, owner)
  const port = await freePort()
  const settings = ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=']
  if (tls !== undefined) settings.push('-c', 'ssl=on')
  const options = ['-D', data, '-p', String(port), ...settings, '-c', 'fsync=off']
  const launch = () => spawn(join(bin, 'postgres'), options, { cwd: directory, ...owner })
  let process = launch()
  await ready(process)
  const down: OwnPostgres['down'] = async (signal) => {
    if (process.exitCode !== null) return
    process.kill(signal)
    await once(process, 'exit')
  }
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const started = server(url, async () => {
    await down('SIGINT')
    await rm(directory, { recursive: true, force: true })
  })
  return {
    ...started,
    down,
    async up() {
      process = launch()
      await ready(process)
    },
  }
}

/** Under the names that PostgreSQL looks for, and its own alone. */
async function giveTls(
  data: string,
  { cert, key, only = false }: ServerTls,
  owner: { uid: number; gid: number } | undefined,
): Promise<void> {
  for (const [from, name] of [
    [cert, 'server.crt'],
    [key, 'server.key'],
  ] as const) {
    const to = join(data, name)
    await copyFile(from, to)
    await chmod(to, 0o600)
    if (owner !== undefined) await chown(to, owner.uid, owner.gid)
  }
  if (only) await writeFile(join(data, 'pg_hba.conf'), 'hostssl all all 127.0.0.1/32 trust\n')
}

async function startContainer(): Promise<PostgresServer> {
  const container = await new GenericContainer('postgres:17')
    .withEnvironment({ POSTGRES_HOST_AUTH_METHOD: 'trust' })
    .withExposedPorts(5432)
    .withWaitStrategy(Wait.forLogMessage('database system is ready to accept connections', 2))
    .start()
  const url = `postgres://postgres@${container.getHost()}:${container.getMappedPort(5432)}/postgres`
  return server(url, async () => {
    await container.stop()
  })
}

/** libpq's own client, beside the server's binaries; undefined where there is none. */
export function psqlPath(): string | undefined {
  const psql = join(localBinaries() ?? '', 'psql')
  return existsSync(psql) ? psql : undefined
}

/** The newest installed PostgreSQL, where Debian puts them. */
function localBinaries(): string | undefined {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return undefined
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a))
  return versions
    .map((version) => join(root, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'initdb')))
}

/** PostgreSQL refuses to run as root: then its own user runs it. */
async function unprivileged(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const users = await readFile('/etc/passwd', 'utf8')
  const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(users) ?? []
  if (uid === undefined || gid === undefined) throw new Error('root needs a user named postgres')
  return { uid: Number(uid), gid: Number(gid) }
}

async function ready(process: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let output = ''
  process.on('error', reject)
  process.on('exit', () => reject(new Error(`postgres did not start:\n${output}`)))
  process.stderr?.on('data', (chunk: Buffer) => {
    output += chunk.toString()
    if (output.includes('ready to accept connections')) resolve()
  })
  await promise
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}

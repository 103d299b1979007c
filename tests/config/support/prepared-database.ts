import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import type { startPostgres } from '../../support/postgres.ts'
import { root } from './files.ts'
import { run, temporaryFolder } from './run.ts'

const SCRIPTS = ['100-usdcop.sh', '110-vault.sh'] as const

export interface PreparedDatabase extends AsyncDisposable {
  /** As its owner. */
  readonly url: URL
  /** Of the role `vault`. */
  readonly password: string
  /** Runs one of the init scripts again; what it said. */
  again(script: (typeof SCRIPTS)[number]): Promise<string>
}

/** How the entrypoint of the postgres images calls the init scripts, as far as it matters here. */
export function entrypointEnvironment(url: URL, grafanaPasswordFile: string): NodeJS.ProcessEnv {
  return {
    PATH: `${process.env['PATH']}:/usr/lib/postgresql/15/bin`,
    PGHOST: url.hostname,
    PGPORT: url.port,
    PGPASSWORD: decodeURIComponent(url.password),
    POSTGRES_USER: url.username,
    POSTGRES_DB: url.pathname.slice(1),
    GRAFANA_PASSWORD_FILE: grafanaPasswordFile,
  }
}

/** A database as the entrypoint of the postgres images leaves it: both init scripts have run. */
export async function preparedDatabase(
  server: Awaited<ReturnType<typeof startPostgres>>,
): Promise<PreparedDatabase> {
  const folder = await temporaryFolder()
  const url = new URL(await server.createDatabase())
  const password = 'of the role vault'
  const file = (name: string) => join(folder.path, name)
  await writeFile(file('grafana'), 'of the role grafana\n')
  await writeFile(file('vault'), `${password}\n`)
  const env = {
    ...entrypointEnvironment(url, file('grafana')),
    VAULT_DATABASE_PASSWORD_FILE: file('vault'),
  }
  const again = async (script: string) => {
    const ended = await run('/bin/sh', [join(root, 'config/postgres/init', script)], { env })
    if (ended.code !== 0) throw new Error(`${script} ended with ${ended.code}: ${ended.output}`)
    return ended.output
  }
  for (const script of SCRIPTS) await again(script)
  return {
    url,
    password,
    again,
    async [Symbol.asyncDispose]() {
      // Roles belong to the whole server, which may be one that was given to the tests.
      const { username, password: own } = url
      for (const role of ['grafana', 'vault', 'usdcop_app']) {
        await asUser(url, username, decodeURIComponent(own), `drop owned by ${role} cascade`)
        await asUser(url, username, decodeURIComponent(own), `drop role ${role}`)
      }
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** The rows of one statement, on a connection of its own. */
export async function asUser(
  at: URL,
  user: string,
  password: string,
  sql: string,
): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({
    host: at.hostname,
    port: Number(at.port),
    database: at.pathname.slice(1),
    user,
    password,
  })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

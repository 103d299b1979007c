import { containerOf, docker } from './docker.ts'

/** Who is connected to TimescaleDB from elsewhere, each once; Vault and Grafana aside, whose users are no service's. */
export async function databaseUsers(signal: AbortSignal): Promise<readonly string[]> {
  const { Id } = await containerOf('timescaledb', signal)
  const sql =
    "select distinct usename from pg_stat_activity where client_addr is not null and usename not in ('vault', 'grafana')"
  const psql = ['psql', '-U', 'usdcop', '-d', 'usdcop', '--tuples-only', '--no-align', '-c', sql]
  return (await docker(['exec', Id, ...psql], signal)).split('\n').filter((user) => user !== '')
}

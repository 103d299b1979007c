import pg from 'pg'

/** From now on only `postgres` comes in without a password. @param url of a server of the test's own, as its owner */
export async function usePasswords(url: string): Promise<void> {
  const owner = new pg.Client({ connectionString: url })
  await owner.connect()
  const { rows } = await owner.query<{ hba_file: string }>('show hba_file')
  const lines = `values ('host all postgres 127.0.0.1/32 trust'), ('host all all 127.0.0.1/32 scram-sha-256')`
  await owner.query(`copy (${lines}) to '${rows[0]?.hba_file}'`)
  await owner.query('select pg_reload_conf()')
  await owner.end()
}

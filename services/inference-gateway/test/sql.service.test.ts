import { openPostgres } from '@usdcop/database/postgres'
import { type PostgresServer, startPostgres } from '@usdcop/tests/support/postgres'
import { afterAll(() => server[Symbol.asyncDispose]())

describe('the record on PostgreSQL', () => {
  recordSuite(async () =>
    openPostgres({ url: await server.createDatabase() }, AbortSignal.timeout(60_000)),
  )
})

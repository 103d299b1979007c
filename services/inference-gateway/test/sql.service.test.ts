import { openPostgres } from '@usdcop/database/postgres'
import { type PostgresServer, startPostgres } from '@usdcop/tests/support/postgres'
import { afterAll, beforeAll, describe } from 'vitest'
import { recordSuite } from './support/record-suite.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

describe('the record on PostgreSQL', () => {
  recordSuite(async () =>
    openPostgres({ url: await server.createDatabase() }, AbortSignal.timeout(60_000)),
  )
})

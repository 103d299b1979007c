import { openPglite } from '@usdcop/database/pglite'
import { describe } from 'vitest'
import { databaseSuite } from './database-suite.ts'
import { ledgerSuite } from './ledger-suite.ts'
import { migrationSuite } from './migration-suite.ts'
import { repositorySuite } from './repository-suite.ts'

const open = async () => await openPglite('memory', AbortSignal.timeout(60_000))

describe('PGlite', () => {
  describe('database', () => {
    databaseSuite(open)
  })
  describe('migrations', () => {
    migrationSuite(open)
  })
  describe('repositories', () => {
    repositorySuite(open)
  })
  describe('ledger', () => {
    ledgerSuite(open)
  })
})

import { openPglite } from '@usdcop/database/pglite'
import { describe } from 'vitest'
import { recordSuite } from './support/record-suite.ts'

describe('the record on PGlite', { timeout: 60_000 }, () => {
  recordSuite(() => openPglite('memory', AbortSignal.timeout(60_000)))
})

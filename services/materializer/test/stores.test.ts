import { describe } from 'vitest'
import { openEmbedded } from './support/embedded.ts'
import { historySuite } from './support/history-suite.ts'
import { storeSuite } from './support/store-suite.ts'

describe('the materializer on PGlite and LMDB', { timeout: 60_000 }, () => {
  storeSuite(openEmbedded)
  describe('a history', () => {
    historySuite(openEmbedded)
  })
})

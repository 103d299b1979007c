import { expect, test } from 'vitest'
import { outlived } from '../../src/serving/ttl.ts'

test.for([
  { ageMs: 999, ttlMs: 1_000, old: false },
  { ageMs: 1_000, ttlMs: 1_000, old: false },
  { ageMs: 1_001, ttlMs: 1_000, old: true },
  { ageMs: 1e12, ttlMs: 0, old: false },
  { ageMs: -1, ttlMs: 1_000, old: false },
])(
  'a row $ageMs ms old under a ttl of $ttlMs ms has outlived it: $old',
  ({ ageMs, ttlMs, old }) => {
    expect(outlived(5_000, ttlMs, 5_000 + ageMs)).toBe(old)
  },
)

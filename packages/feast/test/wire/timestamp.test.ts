import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseInstant } from '../../src/wire/instant.ts'
import {
  decodeTimestamp,
  encodeTimestamp,
  formatTimestamp,
  timestampParts,
} from '../../src/wire/timestamp.ts'

const instants = fc
  .integer({ min: Date.UTC(1700, 0) * 1_000, max: Date.UTC(2200, 0) * 1_000 })
  .map((micros) => micros / 1_000)

test('keeps every microsecond through bytes and through text', () => {
  fc.assert(
    fc.property(instants, (instant) => {
      expect(decodeTimestamp(encodeTimestamp(timestampParts(instant)))).toBe(instant)
      expect(parseInstant(formatTimestamp(instant))).toBe(instant)
    }),
    { examples: [[4_460_632_580_603.771], [-0.001], [999.999]] },
  )
})

test('skips fields of a Timestamp it does not know', () => {
  expect(decodeTimestamp(Buffer.from('1a01610801', 'hex'))).toBe(1_000)
})

const HALF_PAST_THREE = Date.UTC(2025, 2, 3, 15, 30)
test.for([
  { text: '2025-03-03T15:30:00Z', instant: HALF_PAST_THREE },
  { text: '2025-03-03 15:30:00', instant: HALF_PAST_THREE },
  { text: '2025-03-03T15:30', instant: HALF_PAST_THREE },
  { text: '2025-03-03T10:30:00-05:00', instant: HALF_PAST_THREE },
  { text: '2025-03-03 10:30:00-0500', instant: HALF_PAST_THREE },
  { text: '2025-03-03T16:30:00+01', instant: HALF_PAST_THREE },
  { text: '2025-03-03T15:30:00.250123Z', instant: HALF_PAST_THREE + 250.123 },
  { text: '2025-03-03T15:30:00.250123999', instant: HALF_PAST_THREE + 250.123 },
  { text: '2025-03-03', instant: Date.UTC(2025, 2, 3) },
  { text: 'soon', instant: undefined },
  { text: '', instant: undefined },
  { text: '1741015800', instant: undefined },
  { text: '2025-02-31T00:00:00Z', instant: undefined },
  { text: '2025-03-03T25:00:00Z', instant: undefined },
])('reads "$text" as $instant', ({ text, instant }) => {
  expect(parseInstant(text)).toBe(instant)
})

import { describe, expect, test } from 'vitest'
import { readEventTime, writeInstant } from '../src/event-time.ts'
import { ReplyError, readReply } from '../src/reply.ts'
import { REPLY } from './support/demo.ts'

const ENTITIES = { driver_id: [1001n] }
const asked = [
  { name: 'rate', type: 'DOUBLE' },
  { name: 'trips', type: 'INT64' },
] as const
const withRate = (change: object) => ({
  ...REPLY,
  results: REPLY.results.with(2, { ...REPLY.results[2]!, ...change }),
})

describe('a reply', () => {
  test('is told without what was not asked for, and with what was left out as not found', () => {
    const [row] = readReply(REPLY, ENTITIES, [asked[0], { name: 'gone', type: 'STRING' }])
    expect(row?.features).toEqual({
      rate: expect.objectContaining({ value: 0.5 }),
      gone: { value: null, status: 'NOT_FOUND', eventTimestamp: null },
    })
  })

  test('is told whole where only the server knows what it serves, entities aside', () => {
    const [row] = readReply(REPLY, ENTITIES, undefined)
    expect(Object.keys(row?.features ?? {})).toEqual(['trips', 'rate'])
    expect(row?.features['trips']?.value).toBe(7)
  })

  test('may be about nothing', () => {
    const results = REPLY.results.map(() => ({ values: [], statuses: [] }))
    expect(readReply({ ...REPLY, results }, { driver_id: [] }, asked)).toEqual([])
  })

  test('tells a feature of any name', () => {
    const named = { metadata: { feature_names: ['__proto__'] }, results: [REPLY.results[2]] }
    const [row] = readReply(named, ENTITIES, undefined)
    expect(Object.entries(row?.features ?? {})).toMatchObject([['__proto__', { value: 0.5 }]])
  })

  test.for<{ name: string; reply: unknown; says: RegExp }>([
    { name: 'null', reply: null, says: /the reply is no object/ },
    { name: 'a list', reply: [], says: /the reply is no object/ },
    { name: 'no metadata', reply: { results: [] }, says: /metadata is no object/ },
    {
      name: 'names that are none',
      reply: { ...REPLY, metadata: { feature_names: [1, 2, 3] } },
      says: /feature_names/,
    },
    { name: 'no results', reply: { metadata: REPLY.metadata }, says: /results is no list/ },
    {
      name: 'fewer names than columns',
      reply: { ...REPLY, metadata: { feature_names: ['rate', 'trips'] } },
      says: /2 names for 3 columns/,
    },
    {
      name: 'a name that stands twice',
      reply: { ...REPLY, metadata: { feature_names: ['driver_id', 'rate', 'rate'] } },
      says: /a name stands twice/,
    },
    {
      name: 'a column that is none',
      reply: withRate({ values: 0.5 }),
      says: /rate has not one value/,
    },
    { name: 'a row too many', reply: withRate({ values: [1, 2] }), says: /rate has not one value/ },
    {
      name: 'a text for a number',
      reply: withRate({ values: ['0.5'] }),
      says: /a value of rate is no DOUBLE/,
    },
    { name: 'an unknown status', reply: withRate({ statuses: ['INVALID'] }), says: /known status/ },
    { name: 'a status as a number', reply: withRate({ statuses: [1] }), says: /known status/ },
    { name: 'no statuses', reply: withRate({ statuses: undefined }), says: /known status/ },
    { name: 'no times', reply: withRate({ event_timestamps: undefined }), says: /event time/ },
    { name: 'a time as a number', reply: withRate({ event_timestamps: [1] }), says: /event time/ },
    {
      name: 'a time that is none',
      reply: withRate({ event_timestamps: ['2025-02-31T00:00:00Z'] }),
      says: /an event time of rate is no instant/,
    },
  ])('is refused for $name', ({ reply, says }) => {
    expect(() => readReply(reply, ENTITIES, asked)).toThrow(says)
    expect(() => readReply(reply, ENTITIES, asked)).toThrow(ReplyError)
  })
})

describe('an event time', () => {
  const second = Date.UTC(2025, 2, 3, 15, 30)

  test.for<[string, number | null | undefined]>([
    ['2025-03-03T15:30:00Z', second],
    ['2025-03-03T15:30:00.250Z', second + 250],
    ['2025-03-03T15:30:00.250001Z', second + 250.001],
    ['2025-03-03T15:30:00.000000001Z', second + 0.000001],
    ['1970-01-01T00:00:00Z', null],
    ['1969-12-31T23:59:59.999999Z', -0.001],
    ['0001-01-01T00:00:00Z', -62_135_596_800_000],
    ['2025-03-03T15:30:00', undefined],
    ['2025-03-03T15:30:00+01:00', undefined],
    ['2025-13-03T15:30:00Z', undefined],
    ['', undefined],
  ])('reads %s', ([text, instant]) => {
    expect(readEventTime(text)).toBe(instant)
  })

  test.for<[Date | number, string]>([
    [second, '2025-03-03T15:30:00.000Z'],
    [new Date(second + 1), '2025-03-03T15:30:00.001Z'],
    [second + 250.001, '2025-03-03T15:30:00.250001Z'],
  ])('writes %s', ([instant, text]) => {
    expect(writeInstant(instant)).toBe(text)
    expect(readEventTime(text)).toBe(Number(instant))
  })

  test('is refused where it is none', () => {
    expect(() => writeInstant(Number.NaN)).toThrow(/NaN is no instant/)
    expect(() => writeInstant(Number.POSITIVE_INFINITY)).toThrow(/Infinity is no instant/)
  })
})

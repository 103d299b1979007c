import { expect, test } from 'vitest'
import { findView } from '../../src/registry/registry.ts'
import { readFrame, readWriteFrame } from '../../src/serving/frame.ts'
import { entityKey } from '../../src/wire/entity-key.ts'
import { demo } from '../registry/demo-registry.ts'

const frame = { driver_id: [7], rate: [0.5], trips: [3], at: ['2025-03-03T15:30:00.250Z'] }
const read = (df: Record<string, unknown>) => readFrame(demo, findView(demo, 'stats'), 'at', df)

test('reads the rows of a frame, and ignores columns the view does not have', () => {
  expect(read({ ...frame, rate: [null], colour: ['red'] })).toEqual([
    {
      entityKey: entityKey([['driver_id', { type: 'INT64', value: 7n }]]),
      eventTimestamp: Date.UTC(2025, 2, 3, 15, 30, 0, 250),
      values: new Map([
        ['rate', null],
        ['trips', { type: 'INT32', value: 3 }],
      ]),
    },
  ])
})

test.for([
  { name: 'no rows', df: { driver_id: [], rate: [], trips: [], at: [] } },
  { name: 'nulls only', df: { ...frame, rate: [null], trips: [null] } },
])('makes no rows of $name, as Feast does', ({ df }) => {
  expect(read(df)).toEqual([])
})

const { at, ...rest } = frame
test.for([
  { name: "the source's name", df: frame },
  { name: "the remote client's name", df: { ...rest, event_timestamp: at, created: [null] } },
])('reads a written frame whose time stands under $name', ({ df }) => {
  expect(readWriteFrame(demo, findView(demo, 'stats'), df)).toEqual(read(frame))
})

test('reads the time of a view without any source', () => {
  const df = { sum: [1], event_timestamp: ['2025-03-03'] }
  expect(readWriteFrame(demo, findView(demo, 'total'), df)[0]?.eventTimestamp).toBe(
    Date.UTC(2025, 2, 3),
  )
})

test('refuses a written frame without a time or a feature', () => {
  expect(() =>
    readWriteFrame(demo, findView(demo, 'stats'), { driver_id: [7], rate: [1] }),
  ).toThrow(expect.objectContaining({ message: 'df has no column event_timestamp, trips' }))
})

test('keeps an entity-less row under the key that reads use', () => {
  const df = { sum: [1], at: ['2025-03-03'] }
  expect(readFrame(demo, findView(demo, 'total'), 'at', df)[0]?.entityKey).toEqual(
    entityKey([['__dummy_id', { type: 'STRING', value: '' }]]),
  )
})

test.for([
  { df: { ...frame, trips: undefined }, message: 'df: column trips is not a list' },
  { df: { driver_id: [7], at: ['2025'] }, message: 'df has no column rate, trips' },
  { df: { ...frame, trips: [1, 2] }, message: 'All arrays must be of the same length' },
  { df: { ...frame, rate: ['abc'] }, message: 'df: rate: "abc" is not a valid DOUBLE' },
  { df: { ...frame, trips: [1.5] }, message: 'df: trips: 1.5 is not a valid INT32' },
  { df: { ...frame, trips: [2 ** 31] }, message: 'df: trips: 2147483648 is not a valid INT32' },
  { df: { ...frame, driver_id: [null] }, message: 'df: driver_id: null is not a valid INT64' },
  {
    df: { ...frame, at: [1_741_015_800] },
    message: 'df: at: 1741015800 is not a valid time (ISO 8601 text)',
  },
  { df: { ...frame, at: [null] }, message: 'df: at: null is not a valid time (ISO 8601 text)' },
])('refuses a frame: $message', ({ df, message }) => {
  expect(() => read(df)).toThrow(expect.objectContaining({ code: 'invalid_request', message }))
})

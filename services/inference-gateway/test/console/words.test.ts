import { REFUSAL_REASONS } from '@usdcop/decision/reasons'
import { expect, test } from 'vitest'
import { retryDelayMs } from '../../console/connection.js'
import {
  formatAge,
  formatBogotaTime,
  formatDate,
  formatFeature,
  formatMs,
  formatNumber,
  formatPercent,
  formatSigned,
  formatTime,
} from '../../console/format.js'
import { describeRun } from '../../console/header.js'
import { noticeOf } from '../../console/notice.js'
import { describeDecision, describeReason, REASON_WORDS } from '../../console/reasons.js'
import { applyStatus, fromSnapshot } from '../../console/state.js'
import { barAt, decisionAt, OPENING, snapshotOf, statusAt, tickAt } from './sample.ts'

test.for([
  { name: 'groups thousands', text: formatNumber(4_093.4399, 2), expected: '4,093.44' },
  { name: 'has a real minus', text: formatNumber(-1_234.5, 1), expected: '−1,234.5' },
  { name: 'has no minus on what rounds to zero', text: formatNumber(-0.001, 2), expected: '0.00' },
  { name: 'has no plus on what rounds to zero', text: formatSigned(0.001, 2), expected: '0.00' },
  { name: 'signs a gain', text: formatSigned(3, 0), expected: '+3' },
  { name: 'signs a percentage', text: formatPercent(-0.0123), expected: '−1.23\u2009%' },
  { name: 'shows a small return', text: formatFeature(-0.000522), expected: '−0.000522' },
  { name: 'shows a score', text: formatFeature(1.2345), expected: '1.235' },
  { name: 'shows an oscillator', text: formatFeature(55.449), expected: '55.45' },
  { name: 'shows zero', text: formatFeature(0), expected: '0' },
  { name: 'shows dust as zero', text: formatFeature(-1e-16), expected: '0.000000' },
  { name: 'shows fast spans', text: formatMs(0.4249), expected: '0.42 ms' },
  { name: 'shows slow spans', text: formatMs(128.4), expected: '128 ms' },
])('a number $name', ({ text, expected }) => {
  expect(text).toBe(expected)
})

test.for([
  [0, '0 s'],
  [-5_000, '0 s'],
  [59_999, '59 s'],
  [300_000, '5 min'],
  [17_700_000, '4 h 55'],
  [97_200_000, '1 d 03 h'],
] as const)('an age of %i ms reads %s', ([ageMs, text]) => {
  expect(formatAge(ageMs)).toBe(text)
})

test('instants read in UTC, and in Bogotá five hours earlier all year', () => {
  expect([formatDate(OPENING), formatTime(OPENING), formatBogotaTime(OPENING)]).toEqual([
    'Thu 26 Jun 2025',
    '13:00',
    '08:00',
  ])
  expect(formatBogotaTime(Date.UTC(2025, 11, 26, 13))).toBe('08:00')
})

test('every reason a decision can be refused for has its words', () => {
  expect(Object.keys(REASON_WORDS)).toEqual([...REFUSAL_REASONS])
})

test('a reason this console does not know is read out as written', () => {
  expect(describeReason('kill_switch')).toBe('kill switch')
})

test.for([
  ['LONG', null, 'Goes long'],
  ['LONG', 'SHORT', 'Turns long'],
  ['SHORT', 'SHORT', 'Stays short'],
  ['FLAT', 'LONG', 'Closes long'],
  ['FLAT', null, 'Stays out'],
] as const)('%s after %s reads %s', ([signal, before, words]) => {
  expect(describeDecision(decisionAt(barAt(0, 1), signal), before)).toBe(words)
})

test('a refusal names all its reasons', () => {
  const refused = decisionAt(barAt(0, 1), null, ['gap', 'stale_macro'])
  expect(describeDecision(refused, 'LONG')).toBe(
    'Too many bars missing; a macro series stopped publishing',
  )
})

test('retries back off to a quarter of a minute, spread over a quarter of the delay', () => {
  expect([0, 1, 2, 3, 4, 5, 30].map((attempt) => retryDelayMs(attempt, 0))).toEqual([
    500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000,
  ])
  expect(retryDelayMs(5, 0.999_999)).toBe(11_250)
})

const state = fromSnapshot(snapshotOf([tickAt(barAt(59, 4_000))]))

test.for([
  { name: 'nothing when all is well', given: state, lost: false, kind: 'none', text: /^$/ },
  { name: 'that the connection is lost', given: state, lost: true, kind: 'lost', text: /^Disconn/ },
  { name: 'that it never came up', given: null, lost: true, kind: 'lost', text: /does not answer/ },
  {
    name: 'that the data have ended, and where',
    given: applyStatus(state, statusAt(OPENING, { state: 'finished' })),
    lost: false,
    kind: 'info',
    text: /^End of data.*Thu 26 Jun 2025 17:55 UTC/,
  },
  {
    name: 'that history is loading',
    given: applyStatus(state, statusAt(OPENING, { state: 'loading' })),
    lost: false,
    kind: 'info',
    text: /^Loading history/,
  },
] as const)('the notice says $name', ({ given, lost, kind, text }) => {
  const connection = lost
    ? ({ state: 'waiting', retryMs: 500 } as const)
    : ({ state: 'live' } as const)
  expect(noticeOf(given, connection)).toEqual({ kind, text: expect.stringMatching(text) })
})

test.for([
  { mode: 'replay', speed: 5, words: 'running · 5 bars/s · 33%' },
  { mode: 'replay', speed: null, words: 'running · as fast as possible · 33%' },
  { mode: 'demo', speed: 30, words: 'running · 30 × market time · 33%' },
  { mode: 'live', speed: null, words: 'running · 33%' },
] as const)('a run in mode $mode at speed $speed reads: $words', ({ mode, speed, words }) => {
  const progress = { done: 1, total: 3 }
  expect(describeRun(statusAt(OPENING, { mode, speed, progress }))).toBe(words)
})

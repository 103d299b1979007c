import { setImmediate as turn } from 'node:timers/promises'
import { createLogger } from '@usdcop/service/log'
import { expect, test } from 'vitest'
import { type AuditEntry, createAudit } from '../src/audit.ts'

const ENTRY: AuditEntry = {
  requestId: 'r1',
  remote: '::1',
  caller: 'alpha',
  way: 'bearer',
  action: 'secret.read',
  outcome: 'ok',
  about: { path: 'trading/redis', version: 3 },
}
const TRACE = { trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16), trace_flags: '01' }

function written() {
  const pieces: string[] = []
  const logger = createLogger({
    name: 'secrets-broker',
    level: 'fatal',
    mixin: () => TRACE,
    destination: { write: (piece) => void pieces.push(piece) },
  })
  return { logger, pieces, lines: () => pieces.join('').split('\n').slice(0, -1) }
}

test('a line is what pino would write of the same, whatever the level of the rest', async () => {
  const { logger, lines } = written()
  createAudit(logger)(ENTRY)
  await turn()
  logger.level = 'info'
  logger.child({ audit: true }).info(ENTRY, 'alpha secret.read: ok')
  const [ours = '', pinos = ''] = lines()
  const time = /"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/
  expect(ours).toMatch(time)
  expect(ours.replace(time, '')).toBe(pinos.replace(time, ''))
  expect(JSON.parse(ours)).toMatchObject({ level: 30, audit: true, ...TRACE })
})

test('lines of one turn are one piece, written before anybody is told that they are', async () => {
  const { logger, pieces, lines } = written()
  const audit = createAudit(logger)
  const seen: [requestId: string, pieces: number][] = []
  for (const requestId of ['r1', 'r2', 'r3'])
    audit({ ...ENTRY, requestId }, () => seen.push([requestId, pieces.length]))
  expect([seen, pieces]).toEqual([[], []])
  await turn()
  expect(seen).toEqual([
    ['r1', 1],
    ['r2', 1],
    ['r3', 1],
  ])
  audit({ ...ENTRY, requestId: 'r4' })
  await turn()
  expect(lines().map((line) => (JSON.parse(line) as AuditEntry).requestId)).toEqual([
    'r1',
    'r2',
    'r3',
    'r4',
  ])
  expect(pieces).toHaveLength(2)
})

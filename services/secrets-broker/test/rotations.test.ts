import { ServiceError } from '@usdcop/service/errors'
import { expect, test } from 'vitest'
import { createAudit } from '../src/audit.ts'
import { tellOfRotations } from '../src/redis-rotation/telling.ts'
import { bearer, logLines, TOKENS, testBroker } from './test-broker.ts'

const url = '/v1/rotations/redis'
const asAdmin = { method: 'POST', url, headers: bearer(TOKENS.admin) } as const

test('an admin has Redis rotated, and is told which version that is', async () => {
  const lines = logLines()
  const redisRotation = {
    path: 'trading/redis',
    rotate: async () => ({ version: 7, passwordsAccepted: 2 }),
  }
  const { admin } = testBroker({ redisRotation, lines })
  const answer = await admin.inject(asAdmin)
  expect([answer.statusCode, answer.json()]).toEqual([
    200,
    { secret: 'trading/redis', version: 7, passwordsAccepted: 2 },
  ])
  expect(lines.audits()).toMatchObject([
    { caller: 'operator', action: 'redis.rotate', outcome: 'ok', about: { version: 7 } },
  ])
})

test('nobody else has, and a broker that rotates none says so', async () => {
  const { admin } = testBroker()
  const reader = { ...asAdmin, headers: bearer('token-of-scraper') }
  const statuses = [{ method: 'POST', url } as const, reader, asAdmin].map(
    async (request) => (await admin.inject(request)).statusCode,
  )
  expect(await Promise.all(statuses)).toEqual([401, 403, 404])
})

test('what keeps a rotation from being made is answered and told by its code', async () => {
  const lines = logLines()
  const redisRotation = {
    path: 'trading/redis',
    async rotate() {
      throw new ServiceError('conflict', 'somebody else has written it meanwhile')
    },
  }
  const { admin } = testBroker({ redisRotation, lines })
  const answer = await admin.inject(asAdmin)
  expect([answer.statusCode, answer.json().error.code]).toEqual([409, 'conflict'])
  expect(lines.audits()).toMatchObject([{ action: 'redis.rotate', outcome: 'conflict' }])
})

test('what the broker does by itself stands in its audit log and metrics; a look that changes nothing only in these', async () => {
  const lines = logLines()
  const { deps, registry } = testBroker({ lines })
  const tell = tellOfRotations(
    { audit: createAudit(lines.logger), metrics: deps.metrics },
    'trading/redis',
  )
  tell({ kind: 'reconciliation', outcome: 'ok', changed: false })
  tell({ kind: 'reconciliation', outcome: 'ok', changed: true })
  tell({ kind: 'rotation', asked: false, outcome: 'ok', version: 3 })
  tell({ kind: 'rotation', asked: true, outcome: 'ok', version: 4 })
  // Lines of one turn of the event loop are written at its end.
  await new Promise(setImmediate)
  expect(lines.audits().map(({ caller, action }) => [caller, action])).toEqual([
    ['secrets-broker', 'redis.reconcile'],
    ['secrets-broker', 'redis.rotate'],
  ])
  let accepted: number | undefined
  deps.metrics.watchRedis({ passwordsAccepted: () => accepted, msSinceRotation: () => accepted })
  const gauge = /redis_passwords_accepted\{[^}]*\} 2/
  expect(await registry.metrics()).not.toMatch(gauge)
  accepted = 2
  const text = await registry.metrics()
  expect(text).toMatch(gauge)
  expect(text).toMatch(/redis_work_total\{work="rotation",outcome="ok"[^}]*\} 2/)
})

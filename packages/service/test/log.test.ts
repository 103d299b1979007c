import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { createLogger } from '../src/log.ts'

test('asks the mixin for fields when each line is written, in children too', () => {
  const lines: Record<string, unknown>[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  let span = 'first'
  const logger = createLogger({
    name: 'test',
    level: 'info',
    mixin: () => ({ span_id: span }),
    destination,
  })
  logger.info('one')
  span = 'second'
  logger.child({ service: 'gateway' }).info({ position: 1 }, 'two')
  expect(lines).toMatchObject([
    { msg: 'one', span_id: 'first' },
    { msg: 'two', span_id: 'second', service: 'gateway', position: 1 },
  ])
})

import { expect, test } from 'vitest'
import { loggerWithSink } from './sink.ts'

test('asks the mixin for fields when each line is written, in children too', () => {
  let span = 'first'
  const { logger, lines } = loggerWithSink({ mixin: () => ({ span_id: span }) })
  logger.info('one')
  span = 'second'
  logger.child({ service: 'gateway' }).info({ position: 1 }, 'two')
  expect(lines).toMatchObject([
    { msg: 'one', span_id: 'first' },
    { msg: 'two', span_id: 'second', service: 'gateway', position: 1 },
  ])
})

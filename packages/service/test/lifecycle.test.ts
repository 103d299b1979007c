import { expect, test } from 'vitest'
import { createLifecycle } from '../src/lifecycle.ts'
import { loggerWithSink } from './sink.ts'

test('closes newest first, once, past failures and past steps that hang', async () => {
  const { logger, lines } = loggerWithSink()
  const life = createLifecycle(logger)
  const order: string[] = []
  life.onClose('database', async () => order.push('database'))
  life.onClose('stuck', () => new Promise(() => {}), 5)
  life.onClose('broken', () => Promise.reject(new Error('no')))
  life.onClose('app', () => {
    expect(life.signal.aborted).toBe(true)
    order.push('app')
  })
  expect(life.signal.aborted).toBe(false)
  await Promise.all([life.close(), life.close()])
  expect(order).toEqual(['app', 'database'])
  expect(lines.map((line) => line['step'])).toEqual(['broken', 'stuck'])
})

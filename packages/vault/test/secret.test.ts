import { format, inspect } from 'node:util'
import { serialize } from 'node:v8'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { Secret } from '../src/secret.ts'

const MARKER = 'marker-7f1c-of-a-value'
const secret = new Secret(MARKER)

test.for<[string, () => unknown]>([
  ['String()', () => String(secret)],
  // oxlint-disable-next-line restrict-template-expressions
  ['a template', () => `${secret}`],
  // oxlint-disable-next-line restrict-plus-operands
  ['addition', () => '' + secret],
  ['toString()', () => secret.toString()],
  ['toLocaleString()', () => secret.toLocaleString()],
  ['Object.prototype.toString', () => Object.prototype.toString.call(secret)],
  ['JSON', () => JSON.stringify({ nested: [secret] })],
  ['inspect', () => inspect({ nested: { deeper: { still: secret } } }, { depth: 0 })],
  [
    'inspect with everything',
    () => inspect(secret, { showHidden: true, depth: Infinity, getters: true }),
  ],
  [
    'inspect without custom functions',
    () => inspect(secret, { customInspect: false, showHidden: true }),
  ],
  ['format %s', () => format('%s', secret)],
  ['format %o', () => format('%o', secret)],
  ['format %O', () => format('%O', secret)],
  ['format %j', () => format('%j', secret)],
  ['a map', () => inspect(new Map([['password', secret]]))],
  ['keys', () => [...Reflect.ownKeys(secret), ...Object.keys(secret)].join()],
  // oxlint-disable-next-line no-misused-spread
  ['a spread', () => JSON.stringify({ ...secret })],
  ['assign', () => JSON.stringify(Object.assign({}, secret))],
  ['a structured clone', () => inspect(structuredClone(secret), { showHidden: true })],
  ['serialize', () => serialize(secret).toString('latin1')],
  ['an error', () => inspect(new Error('no', { cause: secret }))],
  ['an error of it', () => new Error(String(secret)).stack],
])('a secret does not show itself: %s', ([, print]) => {
  const printed = String(print())
  expect(printed).not.toContain(MARKER)
  expect(printed).not.toContain(MARKER.slice(0, 8))
})

test('a secret prints as [secret] where a value would stand', () => {
  expect(String(secret)).toBe('[secret]')
  expect(JSON.stringify({ password: secret })).toBe('{"password":"[secret]"}')
  expect(inspect({ password: secret })).toBe('{ password: [secret] }')
})

test('pino logs none of it, as a field, in an object, in an error or in a message', () => {
  const lines: string[] = []
  const logger = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) })
  logger.info({ secret, nested: { secret } }, 'a line')
  logger.info(secret, 'as the object')
  logger.info('as text %s %o %j', secret, secret, secret)
  logger.error(Object.assign(new Error('failed'), { secret }), 'in an error')
  logger.child({ secret }).warn('in a child')
  expect(lines).toHaveLength(5)
  expect(lines.join('')).not.toContain(MARKER)
})

test('it reveals its value to whoever asks for it, and compares without doing so', () => {
  expect(secret.reveal()).toBe(MARKER)
  expect(secret.equals(new Secret(MARKER))).toBe(true)
  expect(secret.equals(new Secret('another'))).toBe(false)
  expect(() => Object.assign(secret, { value: 'x' })).toThrow('not extensible')
})

import { readFileSync } from 'node:fs'
import { digestOf } from '@usdcop/service/auth'
import { expect, test } from 'vitest'
import { parseCallers } from '../src/callers.ts'
import { certificateNames } from '../src/certificate-names.ts'

const one = { role: 'r', certificates: ['DNS:a'] }

test.for([
  ['text that is no JSON', '{secret-in-here', /is not JSON$/],
  ['nobody', '{}', /names none/],
  ['nothing to show', { a: { role: 'r' } }, /a has neither/],
  ['the broker’s own role', { a: { ...one, role: 'secrets-broker' } }, /no role of its own/],
  ['the broker’s own name', { 'secrets-broker': one }, /may be called/],
  ['the name of nobody', { unknown: one }, /may be called/],
  ['a role that climbs', { a: { ...one, role: '..' } }, /role/],
  ['a name with a slash', { 'a/b': one }, /a\/b/],
  ['one certificate for two', { a: one, b: one }, /stands for two/],
  ['a wildcard', { a: { ...one, certificates: ['DNS:*'] } }, /certificates/],
  ['a token in clear', { a: { ...one, tokens: ['clear'] } }, /SHA-256/],
  ['a setting that it does not know', { a: { ...one, secret: true } }, /secret/],
  [
    'one token for two',
    { a: { ...one, tokens: [digestOf('x')] }, b: { role: 'r', tokens: [digestOf('x')] } },
    /stands for two/,
  ],
] as const)('a file of callers with %s is refused', ([, file, says]) => {
  expect(() => parseCallers(typeof file === 'string' ? file : JSON.stringify(file))).toThrow(says)
})

test('a caller is known by its certificate’s name, its token, and nothing like them', () => {
  const callers = parseCallers(JSON.stringify({ a: { ...one, tokens: [digestOf('x')] } }))
  expect(callers.byCertificateName('DNS:a')?.role).toBe('r')
  expect(callers.byToken('x')?.name).toBe('a')
  for (const name of ['DNS:A', 'DNS:a.', 'CN=a', 'a', 'URI:a'])
    expect(callers.byCertificateName(name)).toBeUndefined()
  for (const token of ['', 'X', digestOf('x')]) expect(callers.byToken(token)).toBeUndefined()
})

test('the callers of this platform each have their own role, and no secret read for them', () => {
  const url = new URL('../../../config/secrets-broker/callers.json', import.meta.url)
  const { all } = parseCallers(readFileSync(url, 'utf8'))
  expect(all.map(({ name, role, secrets }) => [name, role, secrets])).toEqual([
    ['feature-server', 'feature-server', false],
    ['materializer', 'materializer', false],
    ['inference-gateway', 'inference-gateway', false],
    ['demo-feed', 'demo-feed', false],
  ])
})

test('a certificate’s names are told whole, and one with a quoted name tells none', () => {
  const names = (subjectaltname: string, subject: object = {}) =>
    certificateNames({ subjectaltname, subject: subject as never })
  expect(names('DNS:a, URI:spiffe://x/b, IP Address:127.0.0.1', { CN: 'c' })).toEqual([
    'DNS:a',
    'URI:spiffe://x/b',
    'CN=c',
  ])
  expect(names('DNS:"x, DNS:alpha, DNS:y"', { CN: 'alpha' })).toEqual([])
  expect(names('', { CN: ['alpha', 'beta'] })).toEqual([])
})

import { expect, test } from 'vitest'
import { parsePostgresUrl } from '../../src/config/postgres-url.ts'

const FILES = { caPath: undefined, certPath: undefined, keyPath: undefined }
const TLS = { ...FILES, verify: 'nothing' }
const PLAIN = {
  host: 'db',
  port: undefined,
  user: undefined,
  password: undefined,
  database: 'feast',
  ways: [TLS, 'plain'],
  options: undefined,
}

test.for([
  { url: 'postgresql+psycopg://db/feast', is: {} },
  { url: 'postgres://db:6543/feast?application_name=x', is: { port: 6543 } },
  { url: 'postgresql://u:a/b#c?d%40@db/feast', is: { user: 'u', password: 'a/b#c?d@' } },
  { url: 'postgresql://[::1]:5432/feast', is: { host: '::1', port: 5432 } },
  { url: 'postgresql:///feast?host=/run/pg&user=u', is: { host: '/run/pg', user: 'u' } },
  { url: 'postgresql://db/feast?sslmode=prefer', is: {} },
  { url: 'postgresql://db/feast?sslmode=disable', is: { ways: ['plain'] } },
  { url: 'postgresql://db/feast?sslmode=allow', is: { ways: ['plain', TLS] } },
  { url: 'postgresql://db/feast?sslmode=require', is: { ways: [TLS] } },
  {
    url: 'postgresql://db/feast?sslmode=require&sslrootcert=ca.pem',
    is: { ways: [{ ...TLS, verify: 'chain', caPath: 'ca.pem' }] },
  },
  {
    url: 'postgresql://db/feast?sslmode=verify-full&sslcert=c&sslkey=k',
    is: { ways: [{ ...TLS, verify: 'chain and host', certPath: 'c', keyPath: 'k' }] },
  },
  {
    url: 'postgresql://db/feast?sslrootcert=system',
    is: { ways: [{ ...TLS, verify: 'chain and host' }] },
  },
])('reads $url as SQLAlchemy and libpq do', ({ url, is }) => {
  expect(parsePostgresUrl(url)).toEqual({ ...PLAIN, ...is })
})

test('takes what is given beside the URL before what is in it', () => {
  const read = parsePostgresUrl('postgresql://u:p@db/feast', { password: 'q', sslmode: 'disable' })
  expect(read).toEqual({ ...PLAIN, user: 'u', password: 'q', ways: ['plain'] })
})

test.for([
  { url: 'mysql+pymysql://u:hunter2@db/feast', says: 'only URLs of PostgreSQL' },
  { url: 'sqlite:///registry.db', says: 'only URLs of PostgreSQL' },
  { url: 'postgresql://u:hunter2@db/feast?service=x', says: "the option 'service'" },
  { url: 'postgresql://u:hunter2@db/feast?sslmode=hunter2', says: 'sslmode is none' },
  {
    url: 'postgresql://u:hunter2@db/feast?sslmode=require&sslrootcert=system',
    says: 'sslrootcert=system needs',
  },
])('names what is wrong, and no value: $says', ({ url, says }) => {
  expect(() => parsePostgresUrl(url)).toThrow(
    expect.objectContaining({
      code: 'config_invalid',
      message: expect.stringMatching(new RegExp(`^(?!.*hunter2).*${says}`)),
    }),
  )
})

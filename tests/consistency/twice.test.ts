import { expect, test } from 'vitest'
import { broken, type Fault } from './broken.ts'
import { checkout } from './files.ts'
import { twiceFindings } from './twice.ts'

const files = checkout()

test('what stands in two compose files is the same in both', () => {
  expect(twiceFindings(files)).toEqual([])
})

test.for<Fault>([
  {
    in: 'docker-compose.infrastructure.yml',
    from: 'FEAST_TTL: ${FEAST_TTL:-mark}',
    to: 'FEAST_TTL: ${FEAST_TTL:-enforce}',
    says: 'feast-server differs between docker-compose.yml and docker-compose.infrastructure.yml: environment',
  },
  {
    in: 'docker-compose.infrastructure.yml',
    from: 'user: "999:999"',
    to: 'user: "998:999"',
    says: 'redis differs between docker-compose.yml and docker-compose.infrastructure.yml: user',
  },
  {
    in: 'docker-compose.mlops.yml',
    from: 'max-size: 10m',
    to: 'max-size: 100m',
    says: 'x-logging differs between docker-compose.yml and docker-compose.mlops.yml: options',
  },
  {
    in: 'docker-compose.logging.yml',
    from: '  read_only: true\n',
    to: '',
    says: 'x-peer differs between docker-compose.yml and docker-compose.logging.yml: read_only',
  },
  {
    in: 'docker-compose.infrastructure.yml',
    from: 'data:\n    internal: true',
    to: 'data:\n    internal: false',
    says: 'data differs between docker-compose.yml and docker-compose.infrastructure.yml: internal',
  },
  {
    in: 'docker-compose.infrastructure.yml',
    from: 'redis_users: { file: ./secrets/redis_users }',
    to: 'redis_users: { file: ./secrets/redis }',
    says: 'redis_users differs between docker-compose.yml and docker-compose.infrastructure.yml: file',
  },
])('finds that $says', (fault) => {
  expect(twiceFindings(broken(files, fault))).toContain(fault.says)
})

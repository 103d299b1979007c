import { expect, test } from 'vitest'
import { duplicateFindings } from './merged.ts'

const merged = (service: Record<string, unknown>) => ({ services: { redis: service } })

test('a service whose lists hold everything once has no finding', () => {
  const service = {
    command: ['--a', '--a'],
    tmpfs: ['/tmp', '/run'],
    security_opt: ['no-new-privileges:true'],
    volumes: ['./a:/a:ro', { type: 'tmpfs', target: '/tmp' }],
    secrets: [{ source: 'one' }, { source: 'two' }],
    ports: [{ target: 6566, published: '6566' }],
  }
  expect(duplicateFindings(merged(service))).toEqual([])
})

test.for([
  ['tmpfs', ['/tmp', '/tmp'], '/tmp'],
  ['tmpfs', ['/tmp', '/tmp:size=1m'], '/tmp'],
  ['security_opt', ['no-new-privileges:true', 'no-new-privileges:true'], 'no-new-privileges:true'],
  ['cap_drop', ['ALL', 'ALL'], 'ALL'],
  ['volumes', ['./a:/a:ro', { type: 'bind', source: './b', target: '/a' }], '/a'],
  ['ports', ['127.0.0.1:1:6566/tcp', { target: 6566, published: '2' }], '6566'],
  ['secrets', [{ source: 'one' }, { source: 'one', target: '/other' }], 'one'],
  ['networks', ['data', 'data'], 'data'],
] as const)('finds that %s holds an entry twice', ([key, list, entry]) => {
  expect(duplicateFindings(merged({ [key]: list }))).toEqual([`redis has ${key} ${entry} twice`])
})

import { expect, test } from 'vitest'
import { compareImages, parsePinned, parseStandIns, tableOf, tagOf } from './images.ts'

const PINNED = `# Resolved 2026-11.
REDIS_IMAGE=redis:8.2.1@sha256:${'a'.repeat(64)}
VAULT_IMAGE=hashicorp/vault:2.0.3@sha256:${'b'.repeat(64)}
GRAFANA_IMAGE=grafana/grafana:13.2.0
`
const STAND_INS = `# What stands in for what.
# real: Redis 7.0.15
REDIS_IMAGE=usdcop/redis:7.0.15

# substitute: OpenBao 2.7.2 for Vault 2.0.3
# It speaks Vault's API.
VAULT_IMAGE=usdcop/openbao:2.7.2
# absent: no Grafana can be had here
GRAFANA_IMAGE=
`

test('sets what runs beside what is pinned', () => {
  expect(compareImages(parsePinned(PINNED), parseStandIns(STAND_INS))).toEqual([
    { name: 'redis', pinned: 'redis:8.2.1', kind: 'real', here: 'Redis 7.0.15' },
    {
      name: 'vault',
      pinned: 'vault:2.0.3',
      kind: 'substitute',
      here: 'OpenBao 2.7.2 for Vault 2.0.3',
    },
    {
      name: 'grafana',
      pinned: 'grafana:13.2.0',
      kind: 'absent',
      here: 'no Grafana can be had here',
    },
  ])
})

test('an image that nothing stands in for is itself', () => {
  expect(compareImages(parsePinned('REDIS_IMAGE=redis:8.2.1\n'), [])).toEqual([
    { name: 'redis', pinned: 'redis:8.2.1', kind: 'pinned', here: 'redis:8.2.1' },
  ])
})

test('refuses a stand-in that does not say what it is', () => {
  const silent = '# real: Redis 7\nREDIS_IMAGE=a\nVAULT_IMAGE=b\n'
  expect(() => parseStandIns(silent)).toThrow('VAULT_IMAGE does not say')
})

test('refuses a stand-in for an image that nobody pins', () => {
  expect(() => compareImages([], parseStandIns('# real: Redis 7\nREDIS_IMAGE=a\n'))).toThrow(
    'no pinned image is called REDIS',
  )
})

test.for([
  { image: 'redis:8', tag: 'redis:8' },
  { image: 'docker.io/grafana/loki:3.7.8@sha256:00', tag: 'loki:3.7.8' },
  { image: 'localhost:5000/usdcop/services:dev', tag: 'services:dev' },
])('the tag of $image is $tag', ({ image, tag }) => {
  expect(tagOf(image)).toBe(tag)
})

test('prints a table', () => {
  const rows = compareImages(parsePinned('REDIS_IMAGE=redis:8.2.1\n'), [])
  expect(tableOf(rows)).toBe(
    'image  pinned       here it is\nredis  redis:8.2.1  pinned      redis:8.2.1\n',
  )
})

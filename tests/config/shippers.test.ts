import { expect, test } from 'vitest'
import { readAlloy, stageValues } from './support/alloy.ts'
import { readText } from './support/files.ts'
import { alloyRedaction, collectorRedaction } from './support/redaction.ts'
import { streams } from './support/streams.ts'

const alloy = readText('config/alloy/config.alloy')
const substitute = readText('docker/standin/log-shipper/otelcol-logs.yaml')
const { labels, metadata } = streams()

test('Alloy’s parts lead from the files to Loki', () => {
  const { components, faults } = readAlloy(alloy)
  expect(faults).toEqual([])
  expect(components).toContain('loki.source.file.containers')
  expect(components).toContain('loki.write.loki')
})

test.for([
  ['a bracket too few', '  forward_to = [loki.write.loki.receiver]\n}', '', 'stay open'],
  ['a bracket too many', 'local.file_match "', '}\nlocal.file_match "', 'closes nothing'],
  [
    'a lost reference',
    'loki.process.fields.receiver',
    'loki.process.field.receiver',
    'there is no',
  ],
  ['a forgotten part', 'loki.process.redact.receiver', 'loki.write.loki.receiver', 'nobody sends'],
])('%s is found', ([, from = '', to = '', fault = '']) => {
  const broken = alloy.replace(from, to)
  expect(broken).not.toBe(alloy)
  expect(readAlloy(broken).faults.join()).toContain(fault)
})

test('both shippers set the streams and the metadata that Loki keeps, and no more', () => {
  expect(labels).toEqual(['environment', 'level', 'service'])
  expect([...stageValues(alloy, 'labels'), 'environment'].toSorted()).toEqual(labels)
  expect(alloy).toMatch(/external_labels = \{\s+environment = /)
  expect(stageValues(alloy, 'structured_metadata')).toEqual(metadata)
  const kept = /retain\s+fields:\s+\[([^\]]*)\]/.exec(substitute)?.[1]?.match(/\w+\.\w+/g) ?? []
  expect(kept.toSorted()).toEqual([
    ...metadata.map((name) => `attributes.${name}`),
    ...labels.map((name) => `resource.${name}`),
  ])
})

test('both read levels with one expression', () => {
  const of = (text: string) => /\(\?:\(\?:\\b\(\?:level.*PANIC\):\)/.exec(text)?.[0]
  expect(of(alloy)).toBeDefined()
  expect(of(alloy)).toBe(of(substitute))
})

const SECRETS = [
  '{"msg":"x","db_password":"hunter2 with \\" quote","n":5}',
  '{"headers":{"Authorization":"Bearer hunter2hunter2"},"cookie":"hunter2"}',
  '{"token":12345,"apiKey":"hunter2"}',
  '{"inner":"{\\"client_secret\\":\\"hunter2\\"}"}',
  '{"url":"postgres://usdcop:hunter2@timescaledb:5432/usdcop?x=1"}',
  'connecting to redis://:hunter2@redis:6379/0 failed',
  'level=info VAULT_TOKEN=hunter2 password="hunter2 hunter2" done=true',
  'GET /v1?api_key=hunter2&b=2',
  'token hvs.hunter2hunter2hunter2AAAA was revoked',
  'https://hooks.slack.com/services/T00/B00/hunter2',
  'Root Token: hunter2',
  'Unseal Key 1: hunter2hunter2=',
  'jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.hunter2',
]
const HARMLESS = [
  '{"level":30,"msg":"decided","outcome":"LONG","trace_id":"0af7651916cd43dd8448eb211c80319c"}',
  '{"url":"http://loki:3100/ready","to":"a@b.c"}',
  'ts=2026-11-23T22:00:00Z level=INFO msg="listening" address=0.0.0.0:9090',
  'LOG:  database system is ready to accept connections',
]

test.for(SECRETS)('both take the secret out, and leave the rest: %s', (line) => {
  const left = alloyRedaction(alloy)(line)
  expect(left).not.toMatch(/hunter2|12345/)
  expect(left).toContain('****')
  expect(collectorRedaction(substitute)(line)).toBe(left)
})

test.for(SECRETS.filter((line) => line.startsWith('{')))('what was JSON stays JSON: %s', (line) => {
  expect(() => JSON.parse(alloyRedaction(alloy)(line)) as unknown).not.toThrow()
})

test.for(HARMLESS)('both leave alone what is no secret: %s', (line) => {
  expect(alloyRedaction(alloy)(line)).toBe(line)
  expect(collectorRedaction(substitute)(line)).toBe(line)
})

test('a pattern that is gone is missed', () => {
  const weaker = alloy.replace('(?:hv[sbr]|[sbr])', 'never')
  expect(weaker).not.toBe(alloy)
  expect(SECRETS.some((line) => alloyRedaction(weaker)(line).includes('hunter2'))).toBe(true)
})

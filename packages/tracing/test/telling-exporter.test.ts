import { expect, test } from 'vitest'
import { type TellingExporter, tellingExporter } from '../src/telling-exporter.ts'

type Batch = Parameters<TellingExporter['export']>[0]

function rig() {
  const told: { level: string; message: string; lost: unknown }[] = []
  const tell = (level: string) => (fields: object, message: string) =>
    void told.push({ level, message, lost: 'lost' in fields ? fields.lost : undefined })
  let failing = false
  let now = 0
  const exporter = tellingExporter(
    {
      export: (_spans, done) =>
        done(failing ? { code: 1, error: new Error('no connection') } : { code: 0 }),
      shutdown: async () => {},
    },
    'http://collector:4317',
    () => now,
  )
  return {
    told,
    listen: () => exporter.tellTo({ info: tell('info'), warn: tell('warn') }),
    send: (fails: boolean, spans = 2) => {
      failing = fails
      exporter.export(Array.from({ length: spans }) as unknown as Batch, () => {})
    },
    pass: (ms: number) => void (now += ms),
  }
}

const warned = (lost: number) => ({ level: 'warn', message: 'the collector takes no spans', lost })
const eased = (lost: number) => ({
  level: 'info',
  message: 'the collector takes spans again',
  lost,
})

test('says once that spans are lost, and once that they are not any more, and how many were', () => {
  const { told, listen, send } = rig()
  listen()
  send(false)
  send(true)
  send(true)
  send(true)
  expect(told).toEqual([warned(2)])
  send(false)
  send(false)
  expect(told).toEqual([warned(2), eased(6)])
})

test('tells of a collector that comes and goes no more than once a minute', () => {
  const { told, listen, send, pass } = rig()
  listen()
  for (let second = 0; second < 119; second += 1) {
    send(second % 2 === 0)
    pass(1_000)
  }
  expect(told).toEqual([warned(2), eased(2), warned(2), eased(2)])
})

test('tells whoever listens late', () => {
  const { told, listen, send } = rig()
  send(true)
  listen()
  send(true)
  expect(told).toEqual([warned(4)])
})

import { expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'

const root = new URL('file:///repo/')

test('takes files from the repository and the data directory from the caller', () => {
  expect(readConfig({ DATA_DIR: 'here', MODEL_DIR: '/models/a' }, root)).toMatchObject({
    dataDirectory: 'here',
    barsFile: '/repo/data/usdcop-m5.csv.gz',
    modelDirectory: '/models/a',
    ports: { featureServer: 6566, materializer: 6567, gateway: 8090 },
    replay: { from: undefined, sessionsPerMinute: 1, exit: false },
  })
})

test.for([
  { speed: '10', expected: 10 },
  { speed: 'max', expected: 'max' },
  { speed: '0.5', expected: 0.5 },
])('reads a speed of $speed', ({ speed, expected }) => {
  expect(readConfig({ REPLAY_SPEED: speed }, root).replay.sessionsPerMinute).toBe(expected)
})

test('names every variable that is off', () => {
  expect(() =>
    readConfig({ REPLAY_SPEED: '-1', REPLAY_FROM: '2025-02-30', GATEWAY_PORT: '99999' }, root),
  ).toThrow(
    expect.objectContaining({
      code: 'config_invalid',
      message: expect.stringMatching(/GATEWAY_PORT[\s\S]*REPLAY_FROM[\s\S]*REPLAY_SPEED/),
    }),
  )
})

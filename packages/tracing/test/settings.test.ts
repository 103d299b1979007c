import { describe, expect, test } from 'vitest'
import { readSettings } from '../src/settings.ts'

const endpoint = 'http://otel-collector:4317'
const on = { TRACING_ENABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }
const main = '/app/services/feature-server/src/main.ts'

describe('tracing stays off', () => {
  test.for([
    { name: 'unless it is switched on', env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } },
    { name: 'for TRACING_ENABLED=false', env: { ...on, TRACING_ENABLED: 'false' } },
    { name: 'for an empty TRACING_ENABLED', env: { ...on, TRACING_ENABLED: '' } },
    { name: 'without a collector', env: { TRACING_ENABLED: 'true' } },
    { name: 'for an empty endpoint', env: { ...on, OTEL_EXPORTER_OTLP_ENDPOINT: ' ' } },
    { name: 'for OTEL_SDK_DISABLED', env: { ...on, OTEL_SDK_DISABLED: 'true' } },
    { name: 'for OTEL_TRACES_EXPORTER=none', env: { ...on, OTEL_TRACES_EXPORTER: 'none' } },
  ])('$name', ({ env }) => {
    expect(readSettings(env, main)).toBeUndefined()
  })
})

test.for(['true', '1', 'yes', 'on', 'TRUE', ' enabled '])('%j switches it on', (word) => {
  expect(readSettings({ ...on, TRACING_ENABLED: word }, main)?.endpoint).toBe(endpoint)
})

test('names the service after the folder of its main.ts unless told otherwise', () => {
  expect(readSettings(on, main)).toEqual({
    endpoint,
    serviceName: 'feature-server',
    environment: 'development',
  })
  expect(readSettings(on, undefined)?.serviceName).toBe('unknown_service:node')
  const told = { OTEL_SERVICE_NAME: 'gateway-2', DEPLOYMENT_ENVIRONMENT: 'production' }
  expect(readSettings({ ...on, ...told }, main)).toEqual({
    endpoint,
    serviceName: 'gateway-2',
    environment: 'production',
  })
})

test('prefers an endpoint of its own for traces', () => {
  const traces = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces:4317' }
  expect(readSettings({ ...on, ...traces }, main)?.endpoint).toBe('http://traces:4317')
})

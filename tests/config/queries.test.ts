import { expect, test } from 'vitest'
import { metricNames } from './support/metric-names.ts'
import { logqlFaults, promqlFaults, withoutVariables } from './support/queries.ts'

const known = new Set(['up', 'usdcop_x_seconds_bucket'])

test('a query of known metrics has no fault', () => {
  const query =
    'histogram_quantile(0.9, sum by (le) (rate(usdcop_x_seconds_bucket{a=~"$a"}[$__rate_interval]))) or up'
  expect(promqlFaults(query, known)).toEqual([])
})

test.for([
  ['rate(up[5m]', 'does not parse'],
  ['sum by (job (up)', 'does not parse'],
  ['usdcop_y + up', 'nobody makes usdcop_y'],
  ['rate(usdcop_x_seconds[5m])', 'nobody makes usdcop_x_seconds'],
  ['{a="b"}', 'nobody makes'],
])('%s is found: %s', ([query = '', fault = '']) => {
  expect(promqlFaults(query, known).join()).toContain(fault)
})

test.for([
  '{service="$s"} | trace_id = "${__trace.traceId}"',
  'sum by (level) (count_over_time({service=~".+"} |= "x" [$__auto]))',
])('%s has no fault', (query) => {
  expect(logqlFaults(query, ['service', 'level'])).toEqual([])
})

test.for([
  ['{job="x"}', 'no stream has the label job'],
  ['{service="x"', 'does not parse'],
  ['trace_id', 'no stream is selected'],
])('%s is found: %s', ([query = '', fault = '']) => {
  expect(logqlFaults(query, ['service', 'level']).join()).toContain(fault)
})

test('variables of Grafana become what they stand for', () => {
  expect(withoutVariables('rate(x{s=~"$service"}[$__rate_interval]) ${v:regex}')).toBe(
    'rate(x{s=~"x"}[5m]) x',
  )
})

test('the known names are those that the services register', async () => {
  const names = await metricNames()
  expect(names).toContain('usdcop_http_request_duration_seconds_bucket')
  expect(names).toContain('usdcop_gateway_decisions_total')
  expect(names).toContain('nodejs_eventloop_lag_p99_seconds')
  expect(names).not.toContain('usdcop_http_request_duration_seconds')
})

import { expect, test } from 'vitest'
import { absentServices, absentTests } from './absent.ts'

test('collects everything where nothing is absent', () => {
  expect(absentTests({})).toEqual([])
  expect(absentTests({ STACK_ABSENT: ' ' })).toEqual([])
})

test('leaves out the tests of what is absent', () => {
  expect(absentTests({ STACK_ABSENT: 'grafana, loki' })).toEqual([
    'tests/stack/grafana.stack.test.ts',
    'tests/stack/loki.stack.test.ts',
  ])
})

test('collects the tests of a Grafana that is elsewhere', () => {
  expect(absentServices({ STACK_ABSENT: 'grafana', GRAFANA_URL: 'http://10.0.0.2:3000' })).toEqual(
    [],
  )
})

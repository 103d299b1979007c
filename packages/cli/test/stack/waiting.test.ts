import { beforeAll, expect, test } from 'vitest'
import type { Container } from '../../src/stack/container.ts'
import { allUp, type Step, stepsOf, type Watched } from '../../src/stack/waiting.ts'
import { captured } from './captured.ts'

let store: Container

beforeAll(async () => {
  const found = (await captured('inspect-compose-5.json')).find(
    ({ service }) => service === 'store',
  )
  if (found === undefined) throw new Error('no store was captured')
  store = found
})

test('says where each captured container is', async () => {
  const containers = await captured('inspect-compose-1.29.json')
  const services = containers.map(({ service }) => service)
  const steps = look({ services, containers })
  expect(
    Object.fromEntries(steps.map(({ service, step, state }) => [service, [step, state]])),
  ).toEqual({
    broken: ['failed', 'unhealthy'],
    looping: ['failed', 'restarting, exited 1, 6 times'],
    once: ['done', 'exited 0'],
    'once-off': ['failed', 'exited 3'],
    plain: ['ready', 'running'],
    store: ['ready', 'healthy'],
  })
  expect(allUp(steps)).toBe(false)
  expect(allUp(steps.filter(({ step }) => step !== 'failed'))).toBe(true)
})

test.for<{ is: string; with: Partial<Container>; step: Step['step']; state: string }>([
  { is: 'is not started yet', with: { state: 'created' }, step: 'waiting', state: 'created' },
  {
    is: 'could not be started',
    with: { state: 'created', fault: 'port is taken' },
    step: 'failed',
    state: 'created',
  },
  {
    is: 'is not healthy yet',
    with: { health: 'starting' },
    step: 'waiting',
    state: 'health starting',
  },
  { is: 'is healthy', with: {}, step: 'ready', state: 'healthy' },
  { is: 'is unhealthy', with: { health: 'unhealthy' }, step: 'failed', state: 'unhealthy' },
  { is: 'is paused', with: { state: 'paused' }, step: 'waiting', state: 'paused' },
  { is: 'is dead', with: { state: 'dead' }, step: 'failed', state: 'dead' },
  {
    is: 'starts again, for the first times',
    with: { state: 'restarting', exitCode: 1, restarts: 4 },
    step: 'waiting',
    state: 'restarting, exited 1, 4 times',
  },
  {
    is: 'starts again and again',
    with: { state: 'restarting', exitCode: 1, restarts: 5 },
    step: 'failed',
    state: 'restarting, exited 1, 5 times',
  },
  {
    is: 'runs for the moment, after many starts',
    with: { health: 'starting', restarts: 5 },
    step: 'failed',
    state: 'health starting',
  },
  { is: 'came to health late', with: { restarts: 9 }, step: 'ready', state: 'healthy' },
  {
    is: 'is a job that still works',
    with: { health: 'none', restartPolicy: 'no' },
    step: 'waiting',
    state: 'running',
  },
  {
    is: 'is a job that ended well',
    with: { state: 'exited', restartPolicy: 'on-failure' },
    step: 'done',
    state: 'exited 0',
  },
  {
    is: 'was killed for memory',
    with: { state: 'exited', exitCode: 137, fault: 'out of memory', restartPolicy: 'no' },
    step: 'failed',
    state: 'exited 137, out of memory',
  },
  {
    is: 'ended, and is about to be started again',
    with: { state: 'exited' },
    step: 'waiting',
    state: 'exited 0',
  },
])('$step: a container that $is', ({ with: changes, step, state }) => {
  const steps = look({ services: ['store'], containers: [{ ...store, ...changes }] })
  expect(steps).toMatchObject([{ service: 'store', step, state }])
})

test('believes a server without a health check once it has run for a while', () => {
  const containers = [{ ...store, health: 'none' as const }]
  const at = (seenMs: number) =>
    look({ services: ['store'], containers, seenForMs: () => seenMs })[0]?.step
  expect([at(0), at(2_999), at(3_000)]).toEqual(['waiting', 'waiting', 'ready'])
})

test('does not judge what is left of the last time before Compose has touched it', () => {
  const old = { ...store, state: 'exited' as const, exitCode: 1, restartPolicy: 'no' as const }
  const watched = { services: ['store'], containers: [old], before: [old] }
  expect(look({ ...watched, settled: false })[0]?.step).toBe('waiting')
  expect(look({ ...watched, settled: true })[0]?.step).toBe('failed')
  const again = { ...old, startedAt: '2026-11-23T23:00:00Z' }
  expect(look({ ...watched, containers: [again], settled: false })[0]?.step).toBe('failed')
})

test('lets one that was unhealthy before be asked for its health again', () => {
  const containers = [{ ...store, health: 'unhealthy' as const }]
  const at = (seenMs: number, before: readonly Container[]) =>
    look({ services: ['store'], containers, before, seenForMs: () => seenMs })[0]?.step
  expect([at(0, containers), at(20_000, containers), at(0, [])]).toEqual([
    'waiting',
    'failed',
    'failed',
  ])
})

test('counts the restarts since then', () => {
  const before = [{ ...store, restarts: 40 }]
  const step = (restarts: number) =>
    look({
      services: ['store'],
      containers: [{ ...store, state: 'restarting', restarts }],
      before,
    })[0]?.step
  expect([step(40), step(44), step(45)]).toEqual(['waiting', 'waiting', 'failed'])
  // Started by hand in between: Docker counts from 0 again.
  expect([step(4), step(5)]).toEqual(['waiting', 'failed'])
})

test('waits for what is not there, until Compose has done all it will do', () => {
  const watched = { services: ['redis', 'store'], containers: [store] }
  expect(look({ ...watched, settled: false })[0]).toMatchObject({
    service: 'redis',
    step: 'waiting',
    state: 'not yet',
  })
  expect(look(watched).map(({ service }) => service)).toEqual(['store'])
})

test('lets the worst replica speak for its service', () => {
  const containers = [store, { ...store, id: 'b', health: 'unhealthy' as const }]
  expect(look({ services: ['store'], containers })).toMatchObject([{ step: 'failed' }])
})

function look(
  watched: Pick<Watched, 'services' | 'containers'> & Partial<Watched>,
): readonly Step[] {
  return stepsOf({ before: [], settled: true, seenForMs: () => 60_000, ...watched })
}

import type { OnDemandView } from '@usdcop/feast/registry/definitions'
import { createRegistry } from '@usdcop/feast/registry/registry'
import { expect, test } from 'vitest'
import { askOf, pushOf, temporaryStore, testApp } from './feature-server.ts'

const doubled: OnDemandView = {
  name: 'doubled',
  features: [{ name: 'twice', valueType: 'DOUBLE' }],
  projections: [],
  requestSources: [{ name: 'asked', schema: [{ name: 'given', valueType: 'DOUBLE' }] }],
  mode: 'python',
  tags: {},
}

async function ask(view: OnDemandView) {
  await using store = temporaryStore('demo')
  const registry = createRegistry({
    project: 'demo',
    entities: [],
    views: [],
    services: [],
    pushSources: [],
    onDemandViews: [view],
  })
  await using app = testApp({ registry, store })
  const reply = await app.inject(askOf({ features: ['doubled:twice'], entities: { given: [1.5] } }))
  return { status: reply.statusCode, body: reply.body }
}

const messageOf = (body: string) =>
  (JSON.parse(JSON.parse(body) as string) as { message: string }).message

test('computes a view from the request', async () => {
  const { status, body } = await ask({
    ...doubled,
    mode: 'typescript',
    transform: ({ given }) => ({
      twice: given?.type === 'DOUBLE' ? { type: 'DOUBLE', value: 2 * given.value } : null,
    }),
  })
  expect(status).toBe(200)
  expect(body).toBe(
    '{"results":[{"values":[3.0],"statuses":["PRESENT"],"event_timestamps":["1970-01-01T00:00:00Z"]}],' +
      '"metadata":{"feature_names":["twice"]}}',
  )
})

test('says that a view is written in Python, and which', async () => {
  const { status, body } = await ask(doubled)
  expect(status).toBe(501)
  expect(messageOf(body)).toContain("On demand feature view 'doubled' is written in Python")
})

test('says that an on-demand view is not written', async () => {
  await using store = temporaryStore('demo')
  const none = { entities: [], views: [], services: [], pushSources: [] }
  const registry = createRegistry({ project: 'demo', ...none, onDemandViews: [doubled] })
  await using app = testApp({ registry, store })
  const body = { feature_view_name: 'doubled', df: { twice: [3] } }
  const reply = await app.inject({ ...pushOf(body), url: '/write-to-online-store' })
  expect(reply.statusCode).toBe(501)
  expect(messageOf(reply.body)).toContain("On demand feature view 'doubled' is not written here")
})

test('says which view failed, and not why', async () => {
  const { status, body } = await ask({
    ...doubled,
    transform: () => {
      throw new Error('an inner matter')
    },
  })
  expect(status).toBe(500)
  expect(messageOf(body)).toBe("On demand feature view 'doubled' failed")
})

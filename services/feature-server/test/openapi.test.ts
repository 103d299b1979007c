import { expect, test } from 'vitest'
import { describeApi } from '../src/openapi.ts'
import { demo } from './demo.ts'
import { temporaryStore, testApp } from './feature-server.ts'

test('describes every route that it serves under Feast names, open to everybody', async () => {
  await using store = temporaryStore('demo')
  await using app = testApp({ registry: demo, store, bindHost: '0.0.0.0' })
  const reply = await app.inject('/openapi.json')
  expect(reply.statusCode).toBe(200)
  const described = reply.json<ReturnType<typeof describeApi> & { paths: Record<string, object> }>()
  expect(described).toEqual(JSON.parse(JSON.stringify(describeApi())))
  const unserved = Object.entries(described.paths).flatMap(([path, methods]) =>
    Object.keys(methods).filter(
      (method) => !app.hasRoute({ method: method.toUpperCase() as 'POST', url: path }),
    ),
  )
  expect(unserved).toEqual([])
  expect(Object.keys(described.paths)).toEqual([
    '/get-online-features',
    '/push',
    '/write-to-online-store',
    '/materialize',
    '/materialize-incremental',
    '/health',
  ])
})

test('names required fields, and booleans where Feast takes more', () => {
  const { paths } = describeApi() as {
    paths: Record<
      string,
      { post: { requestBody: { content: Record<string, { schema: unknown }> } } }
    >
  }
  const bodyOf = (path: string) => paths[path]?.post.requestBody.content['application/json']?.schema
  expect(bodyOf('/get-online-features')).toMatchObject({
    required: ['entities'],
    properties: { full_feature_names: { type: 'boolean' } },
  })
  expect(bodyOf('/push')).toMatchObject({ required: ['push_source_name', 'df'] })
  expect(bodyOf('/materialize-incremental')).toMatchObject({ required: ['end_ts'] })
})

test('says that writing needs a token, and that reading may', () => {
  const { paths } = describeApi() as {
    paths: Record<string, { post?: { security: readonly object[] } }>
  }
  const securityOf = (path: string) => paths[path]?.post?.security
  expect(securityOf('/get-online-features')).toEqual([{}, { bearer: [] }])
  for (const path of [
    '/push',
    '/write-to-online-store',
    '/materialize',
    '/materialize-incremental',
  ])
    expect({ path, security: securityOf(path) }).toEqual({ path, security: [{ bearer: [] }] })
})

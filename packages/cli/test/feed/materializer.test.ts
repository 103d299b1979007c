import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { fixedKey, type MaterializerKey } from '../../src/feed/key.ts'
import { createMaterializer } from '../../src/feed/materializer.ts'
import { bar, value } from './market.ts'

const KEY = 'a-key-nobody-may-read'
const signal = AbortSignal.timeout(10_000)

const servers: { close(): unknown }[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function served(
  answer: (request: IncomingMessage, response: ServerResponse) => unknown,
  key: MaterializerKey = fixedKey(KEY),
) {
  const server = createServer((request, response) => void answer(request, response))
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return createMaterializer(new URL(`http://127.0.0.1:${port}`), key)
}

test('posts bars and values with the key and its own name, and reads each outcome', async () => {
  const asked: unknown[] = []
  const materializer = await served(async (request, response) => {
    asked.push([request.url, request.headers.authorization, await json(request)])
    response.end('{"accepted":1,"rejected":0,"rows":[{"status":"accepted"}]}')
  })
  expect(await materializer.bars([bar('2025-01-02T13:00')], signal)).toEqual([
    { status: 'accepted' },
  ])
  await materializer.macro([value('2025-01-01')], signal)
  const prices = { open: 4_000, high: 4_001, low: 3_999, close: 4_000 }
  const bars = [{ symbol: 'USD/COP', time: Date.parse('2025-01-02T13:00Z'), ...prices }]
  expect(asked).toEqual([
    ['/v1/bars', `Bearer ${KEY}`, { source: 'feed', bars }],
    ['/v1/macro', `Bearer ${KEY}`, { source: 'feed', values: [value('2025-01-01')] }],
  ])
})

test.for([429, 500, 502, 503, 504])('may be tried again after %i', async (status) => {
  const materializer = await served((_request, response) => response.writeHead(status).end('{}'))
  await expect(materializer.status(signal)).rejects.toMatchObject({
    name: 'NotNow',
    message: expect.stringMatching(new RegExp(`/v1/status answered ${status}$`)),
  })
})

test('may be tried again when the connection breaks', async () => {
  const materializer = await served((request) => request.socket.destroy())
  await expect(materializer.bars([], signal)).rejects.toMatchObject({ name: 'NotNow' })
})

test('may be tried again when nobody listens', async () => {
  const materializer = createMaterializer(new URL('http://127.0.0.1:9'), fixedKey(KEY))
  await expect(materializer.bars([], signal)).rejects.toMatchObject({
    name: 'NotNow',
    message: expect.stringContaining('http://127.0.0.1:9 cannot be reached ('),
  })
})

test('a refused key that may be replaced is asked for anew, and the next attempt made with it', async () => {
  let key = KEY
  const refused: string[] = []
  const materializer = await served(
    ({ headers: { authorization } }, response) => {
      if (authorization === 'Bearer another') return response.end('{"rows":[]}')
      refused.push(authorization ?? '')
      return response.writeHead(401).end('{"error":{"code":"unauthenticated","message":"no"}}')
    },
    {
      current: () => key,
      async renew() {
        key = 'another'
      },
    },
  )
  await expect(materializer.bars([], signal)).rejects.toMatchObject({
    name: 'NotNow',
    message: expect.stringMatching(/answered 401: no$/),
  })
  expect(await materializer.bars([], signal)).toEqual([])
  expect(refused).toEqual([`Bearer ${KEY}`])
})

test.for([
  { status: 401, body: '<html>', says: /answered 401$/ },
  {
    status: 403,
    body: '{"error":{"code":"forbidden","message":"this route needs the role writer"}}',
    says: /answered 403: this route needs the role writer$/,
  },
  { status: 404, body: '<html>', says: /answered 404$/ },
  { status: 200, body: '<html>', says: /does not answer like a materializer$/ },
  { status: 200, body: '{"rows":7}', says: /does not answer like a materializer$/ },
])('is given up on with $status and $body, without a word of the key', async (given) => {
  const materializer = await served((_request, response) =>
    response.writeHead(given.status).end(given.body),
  )
  const error = await materializer.bars([], signal).catch((caught: unknown) => caught)
  expect(error).toMatchObject({
    code: 'invalid_request',
    message: expect.stringMatching(given.says),
  })
  expect(String(error)).not.toContain(KEY)
})

test('is left at the signal, whatever it does', async () => {
  const stop = new AbortController()
  const materializer = await served(() => stop.abort())
  await expect(materializer.bars([], stop.signal)).rejects.toMatchObject({ name: 'AbortError' })
})

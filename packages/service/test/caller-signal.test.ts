import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import Fastify, { type FastifyInstance } from 'fastify'
import { expect, test } from 'vitest'
import { callerSignal } from '../src/caller-signal.ts'

interface Held {
  readonly app: FastifyInstance
  readonly port: number
  readonly asked: Promise<AbortSignal>
  readonly release: () => void
}

/** A server whose one answer waits until it is released. */
async function holding(): Promise<Held> {
  const app = Fastify()
  const asked = Promise.withResolvers<AbortSignal>()
  const released = Promise.withResolvers<void>()
  app.post('/', async (_request, reply) => {
    asked.resolve(callerSignal(reply))
    await released.promise
    return {}
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const port = (app.server.address() as AddressInfo).port
  return { app, port, asked: asked.promise, release: released.resolve }
}

function send(port: number) {
  const socket = connect(port, '127.0.0.1')
  const head = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2'
  socket.write(`${head}\r\n\r\n{}`)
  return socket
}

test('holds while the caller waits for an answer to a body that has been read', async () => {
  const { app, port, asked, release } = await holding()
  const socket = send(port)
  const signal = await asked
  for (let turn = 0; turn < 20; turn++) await setImmediate()
  expect(signal.aborted).toBe(false)
  release()
  const [answer] = (await once(socket, 'data')) as [Buffer]
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 200/)
  expect(signal.aborted).toBe(false)
  socket.destroy()
  await app.close()
})

test('aborts when the caller leaves first', async () => {
  const { app, port, asked, release } = await holding()
  const socket = send(port)
  const signal = await asked
  const aborted = once(signal, 'abort')
  socket.destroy()
  await aborted
  expect(signal.reason).toMatchObject({ code: 'caller_left' })
  release()
  await app.close()
})

import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Clock } from '@usdcop/vault/clock'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../../../tests/support/redis-node.ts'
import { followReturns } from '../../src/redis-rotation/returns.ts'

const HOST = '127.0.0.1'

/** Whose pauses are over at once, and told of. */
function quickClock() {
  let time = 0
  const pauses: number[] = []
  const clock: Clock = {
    now: () => time,
    async sleep(ms, signal) {
      signal.throwIfAborted()
      pauses.push(ms)
      time += ms
    },
  }
  return { clock, pauses, pass: (ms: number) => void (time += ms) }
}

async function listen(port: number, onSocket: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    onSocket(socket)
  }).listen(port, HOST)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return server
}

function follow(port: number) {
  const { clock, pauses, pass } = quickClock()
  const told = { returns: 0 }
  const following = followReturns(
    { host: HOST, port, tls: false },
    clock,
  )(() => {
    told.returns += 1
  })
  onTestFinished(() => following[Symbol.asyncDispose]())
  return { following, told, pauses, pass }
}

const portOf = (server: Server) => (server.address() as AddressInfo).port

test('the first connection is no return, the one after an end is one, and is there soon', async () => {
  const sockets: Socket[] = []
  const server = await listen(0, (socket) => void sockets.push(socket))
  const { told, pauses, pass } = follow(portOf(server))
  await expect.poll(() => sockets.length).toBe(1)
  expect(told.returns).toBe(0)
  pass(60_000)
  sockets[0]?.destroy()
  await expect.poll(() => told.returns).toBe(1)
  expect(pauses).toEqual([50])
})

test('a server that is away at first is looked for, never more than half a second apart, and its coming is a return', async () => {
  const port = await freePort()
  const { told, pauses } = follow(port)
  await expect.poll(() => pauses.length).toBeGreaterThan(20)
  expect(pauses.slice(0, 6)).toEqual([100, 200, 400, 500, 500, 500])
  expect([Math.max(...pauses), told.returns]).toEqual([500, 0])
  const server = await listen(port, () => {})
  await expect.poll(() => told.returns).toBe(1)
  expect(server.listening).toBe(true)
})

test('one that takes connections and drops them is a return once a second at most', async () => {
  const server = await listen(0, (socket) => void socket.destroy())
  const { told, pauses, following } = follow(portOf(server))
  await expect.poll(() => pauses.length).toBeGreaterThan(20)
  await following[Symbol.asyncDispose]()
  expect(new Set(pauses)).toEqual(new Set([1_000]))
  expect(told.returns).toBeLessThanOrEqual(pauses.length)
})

test('what a server says is read and dropped; the end of the following is the end of its connection', async () => {
  const ends: Promise<unknown>[] = []
  const server = await listen(0, (socket) => {
    ends.push(once(socket, 'close'))
    socket.resume().write('x'.repeat(1_000_000))
  })
  const { following, told } = follow(portOf(server))
  await expect.poll(() => ends.length).toBe(1)
  await following[Symbol.asyncDispose]()
  await Promise.all(ends)
  expect([ends.length, told.returns]).toEqual([1, 0])
})

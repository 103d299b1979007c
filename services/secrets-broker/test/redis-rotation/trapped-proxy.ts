import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** Where somebody in between stops a conversation: at the nth request of a kind, before it arrives or before its answer does. */
export interface Trap {
  readonly request: RegExp
  readonly nth: number
  readonly when: 'before' | 'after'
  readonly sprung: () => void
}

/** A way to a server that does nothing, until it is told to. */
export interface TrappedProxy extends AsyncDisposable {
  readonly port: number
  readonly seen: string[]
  set(trap: Trap | undefined): void
}

/** Requests here are small, so each comes whole in one piece. */
export async function startTrappedProxy(target: {
  readonly host: string
  readonly port: number
}): Promise<TrappedProxy> {
  const sockets = new Set<Socket>()
  const seen: string[] = []
  let trap: Trap | undefined
  let left = 0

  const server = createServer((client) => {
    const upstream = connect({ host: target.host, port: target.port })
    let holding: Trap | undefined
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1')
      seen.push(text)
      if (trap?.request.test(text) === true && (left -= 1) === 0) {
        if (trap.when === 'before') {
          trap.sprung()
          return
        }
        holding = trap
      }
      upstream.write(chunk)
    })
    upstream.on('data', (chunk: Buffer) => {
      if (holding === undefined) client.write(chunk)
      else holding.sprung()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    seen,
    set(next) {
      trap = next
      left = next?.nth ?? 0
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

import { once } from 'node:events'
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'

/** Where a server is, and what to show it. */
export interface Target {
  readonly url: string
  readonly tls?:
    | { readonly ca: string; readonly cert?: string | undefined; readonly key?: string | undefined }
    | undefined
}

/** One kept connection. HTTP by hand: an `http.request` costs more than the server that it measures. */
export interface Connection extends Disposable {
  /** Sends the text, which is one whole request, and resolves once its answer is there; one at a time. */
  ask(request: string): Promise<void>
}

export async function openConnections(
  target: Target,
  count: number,
): Promise<readonly Connection[]> {
  return Promise.all(Array.from({ length: count }, () => openConnection(target)))
}

async function openConnection({ url, tls }: Target): Promise<Connection> {
  const { hostname, port, protocol } = new URL(url)
  const at = { host: hostname, port: Number(port) }
  const secure = protocol === 'https:'
  const socket = secure ? connectSecure({ ...at, ...tls }) : connectPlain(at)
  await once(socket, secure ? 'secureConnect' : 'connect')
  socket.setNoDelay(true)
  return speakHttp(socket)
}

function speakHttp(socket: Socket): Connection {
  let waiting: PromiseWithResolvers<void> | undefined
  /** Bytes of the answer that are still to come; undefined before its head is there. */
  let left: number | undefined
  let head = ''
  const end = (error?: Error) => waiting?.reject(error ?? new Error('the server has hung up'))
  socket.on('error', end)
  socket.on('close', () => end())
  socket.on('data', (chunk: Buffer) => {
    if (left === undefined) {
      head += chunk.toString('latin1')
      const ends = head.indexOf('\r\n\r\n')
      if (ends < 0) return
      if (!head.startsWith('HTTP/1.1 2')) return end(new Error(`answered ${head.slice(0, 400)}`))
      const length = /\r\ncontent-length: (?<bytes>\d+)/i.exec(head)?.groups?.['bytes']
      left = ends + 4 + Number(length) - head.length
    } else left -= chunk.length
    if (left > 0) return
    left = undefined
    head = ''
    const done = waiting
    waiting = undefined
    done?.resolve()
  })
  return {
    ask(request) {
      waiting = Promise.withResolvers()
      socket.write(request)
      return waiting.promise
    },
    [Symbol.dispose]: () => void socket.destroy(),
  }
}

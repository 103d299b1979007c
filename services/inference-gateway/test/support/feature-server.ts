import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** How one request is answered: a status with a body and headers, or no answer at all. */
export interface Scripted {
  readonly status?: number
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  /** The connection is cut, or left open without a word. */
  readonly instead?: 'cut' | 'silence'
}

export interface Asked {
  /** The caller's; the same for as long as it keeps its connection. */
  readonly port: number | undefined
  readonly path: string
  readonly authorization: string | undefined
  readonly body: unknown
}

/** A feature server on a free port that says what a test tells it to. */
export interface FakeFeatureServer extends AsyncDisposable {
  readonly url: string
  readonly asked: readonly Asked[]
}

export async function startFeatureServer(
  answer: (asked: Asked, count: number) => Scripted,
): Promise<FakeFeatureServer> {
  const asked: Asked[] = []
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body: unknown = JSON.parse(await text(request))
    const { url: path = '', headers, socket } = request
    const one = { port: socket.remotePort, path, authorization: headers.authorization, body }
    asked.push(one)
    const scripted = answer(one, asked.length)
    if (scripted.instead === 'silence') return
    if (scripted.instead === 'cut') request.socket.destroy()
    else response.writeHead(scripted.status ?? 200, scripted.headers).end(scripted.body)
  }
  const server = createServer((request, response) => void respond(request, response))
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

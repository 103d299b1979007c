import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface Asked {
  /** From 1. */
  readonly count: number
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
  /** The caller's; the same for as long as it keeps its connection. */
  readonly port: number | undefined
  /** When it came; of the monotonic clock. */
  readonly at: number
}

/** A server that behaves as a test tells it to, on a free port. */
export interface ScriptedServer extends AsyncDisposable {
  readonly url: string
  readonly asked: readonly Asked[]
  connections(): Promise<number>
}

export async function startScriptedServer(
  answer: (asked: Asked, response: ServerResponse) => void,
): Promise<ScriptedServer> {
  const asked: Asked[] = []
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { url: path = '', headers, socket } = request
    const { remotePort: port } = socket
    const body: unknown = JSON.parse(await text(request))
    const at = performance.now()
    const one = { count: asked.length + 1, path, headers, body, port, at }
    asked.push(one)
    answer(one, response)
  }
  const server = createServer((request, response) => void respond(request, response))
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    async connections() {
      const { promise, resolve, reject } = Promise.withResolvers<number>()
      server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
      return await promise
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

export function json(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

/** What Feast sends for a refusal: JSON inside a JSON string. */
export function doubleEncoded(feastClass: string, message: string): string {
  return JSON.stringify(JSON.stringify({ module: 'feast.errors', class: feastClass, message }))
}

import { isUtf8 } from 'node:buffer'
import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { ServiceError } from '@usdcop/service/errors'

export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export interface Message {
  readonly endpoint: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** On a connection of its own, which no server can have closed meanwhile. */
  readonly fresh: boolean
}

/** Connections to one server, kept open between calls. */
export interface Connections {
  /** POSTs once. Throws what Node throws where there is no whole answer. */
  exchange(message: Message, signal: AbortSignal | undefined): Promise<RawAnswer>
  /** Cuts every connection and waits until they are gone. */
  close(): Promise<void>
}

/** Some times what the largest reply takes that the feature server gives. */
const MAX_REPLY_BYTES = 256 * 1024 * 1024

/** Node's own client and not `fetch`, which takes twice as long for a call on loopback. */
export function openConnections(protocol: string, ca: string | undefined): Connections {
  const secure = protocol === 'https:'
  const trust = ca === undefined ? {} : { ca }
  const open = (keepAlive: boolean) =>
    secure ? new HttpsAgent({ keepAlive, ...trust }) : new HttpAgent({ keepAlive })
  const kept = open(true)
  const fresh = open(false)
  const request = secure ? httpsRequest : httpRequest
  return {
    exchange(message, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>()
      const { endpoint, headers, body } = message
      const agent = message.fresh ? fresh : kept
      const limits = signal === undefined ? {} : { signal }
      const asked = request(endpoint, { method: 'POST', agent, headers, ...limits }, (response) => {
        const chunks: Buffer[] = []
        let size = 0
        response.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size > MAX_REPLY_BYTES) asked.destroy(tooLong(endpoint))
          else chunks.push(chunk)
        })
        response.once('error', reject)
        response.once('end', () => {
          const { statusCode: status = 0, headers: answered } = response
          const bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
          // What stands for broken letters is no letter, and JSON would take it for one.
          if (isUtf8(bytes)) resolve({ status, headers: answered, text: bytes.toString() })
          else reject(unusable(endpoint, new TypeError('the answer is not UTF-8')))
        })
      })
      asked.once('error', reject)
      asked.end(body)
      return promise
    },
    async close() {
      const sockets = [kept, fresh].flatMap(({ sockets, freeSockets }) =>
        [...Object.values(sockets), ...Object.values(freeSockets)].flatMap((some) => some ?? []),
      )
      const gone = sockets.filter((socket) => !socket.closed).map(untilClosed)
      kept.destroy()
      fresh.destroy()
      await Promise.all(gone)
    },
  }
}

async function untilClosed(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.once('close', () => resolve())
  await promise
}

function tooLong({ href }: URL): ServiceError {
  return new ServiceError(
    'features_unavailable',
    `${href}: the answer is longer than ${MAX_REPLY_BYTES} bytes`,
  )
}

/** An answer that is none of Feast's. */
export function unusable({ href }: URL, cause: unknown): ServiceError {
  return new ServiceError('features_unavailable', `${href} gave no usable answer`, { cause })
}

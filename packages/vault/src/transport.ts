import type { IncomingMessage } from 'node:http'
import { type ClientRequest, Agent as PlainAgent, request as requestPlain } from 'node:http'
import { request as requestSecure } from 'node:https'
import type { Authority } from './authority.ts'
import { createSecureConnections } from './secure-connections.ts'

export interface Tls {
  /** PEM certificates to trust instead of the system's, or what knows them at each request. */
  readonly ca?: string | Authority | undefined
  /** PEM certificate and key of this process, where the listener asks for one. */
  readonly certificate?: string | undefined
  readonly key?: string | undefined
}

export interface Exchange {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

export interface Answer {
  readonly status: number
  readonly body: unknown
  /** Seconds after which to ask again, where the answer says so. */
  readonly retryAfter?: number | undefined
}

/** A failure to get any answer, told by a system's code alone: what was sent cannot ride in it. */
export class NoAnswer extends Error {
  readonly reason: string

  constructor(reason: string) {
    super(`no answer (${reason})`)
    this.name = 'NoAnswer'
    this.reason = reason
  }
}

export interface Transport extends AsyncDisposable {
  exchange(exchange: Exchange, signal: AbortSignal): Promise<Answer>
}

/** More than any secret, list or lease answer holds. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024
const MAX_SOCKETS = 32

/**
 * One HTTP exchange at a time over connections of its own. A redirect is an answer like another and is not followed, so
 * no token goes to another host; no proxy variable is read; certificates are always verified.
 */
export function createTransport(tls: Tls): Transport {
  const plain = new PlainAgent({ keepAlive: true, maxSockets: MAX_SOCKETS })
  const secure = createSecureConnections(tls, MAX_SOCKETS)
  return {
    async exchange({ method, url, headers, body }, signal) {
      signal.throwIfAborted()
      try {
        const options = { method, headers: { ...headers, ...lengthOf(body) }, signal }
        using connections = url.protocol === 'https:' ? await secure.take(signal) : undefined
        const request =
          connections === undefined
            ? requestPlain(url, { ...options, agent: plain })
            : requestSecure(url, { ...options, agent: connections.agent })
        const response = await responseTo(request, body)
        const { statusCode: status = 0 } = response
        const retryAfter = secondsOf(response.headers['retry-after'])
        return { status, body: parsed(await textOf(response)), retryAfter }
      } catch (error) {
        // The caller's own reason, as it is; anything else is rebuilt: some carry what was sent.
        signal.throwIfAborted()
        throw new NoAnswer(reasonOf(error))
      }
    },
    async [Symbol.asyncDispose]() {
      plain.destroy()
      secure.end()
    },
  }
}

function lengthOf(body: string | undefined): Readonly<Record<string, string>> {
  if (body === undefined) return {}
  return { 'content-length': String(Buffer.byteLength(body)) }
}

function responseTo(request: ClientRequest, body: string | undefined): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  // `on`: a connection may fail a second time after its answer has begun, and nobody awaits that.
  request.on('error', reject).once('response', resolve)
  request.end(body)
  return promise
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_ANSWER_BYTES) throw new NoAnswer('answer too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** A date in its place is not understood: whoever limits us says seconds. */
function secondsOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : undefined
}

/** Undefined where it is no JSON: what a load balancer says instead is nobody's business. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof NoAnswer) return error.reason
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code) ? code : 'connection failed'
}

import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'

export interface Answer {
  readonly status: number
  readonly body: string
}

/** Feast's server closes a connection behind a 500, so each request has its own. */
const agent = new Agent({ keepAlive: false })

/** Posts JSON text as it is: `fetch` would keep connections that Feast closes. */
export async function post(
  url: string,
  body: string,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const sent = request(url, {
    method: 'POST',
    agent,
    signal,
    headers: { 'content-type': 'application/json', ...headers },
  })
  sent.end(body)
  const [reply] = await once(sent, 'response')
  return { status: reply.statusCode, body: await text(reply) }
}

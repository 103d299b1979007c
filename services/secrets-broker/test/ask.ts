import { once } from 'node:events'
import { type IncomingMessage, request as requestPlain } from 'node:http'
import { request as requestSecure } from 'node:https'
import type { Certified } from './certificates.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  // oxlint-disable-next-line no-explicit-any
  readonly body: any
}

export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Of the server's certificate. */
  readonly ca?: string
  readonly client?: Certified | undefined
}

/** A request over a connection of its own. Its path goes out as it stands. */
export async function ask(address: string, path: string, asked: Asked = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, ca, client } = asked
  const { hostname, port, protocol } = new URL(address)
  const to = { hostname, port, path, method, headers, agent: false }
  const sent =
    protocol === 'https:'
      ? requestSecure({ ...to, ca, servername: '', cert: client?.cert, key: client?.key })
      : requestPlain(to)
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) text += String(chunk)
  const json = response.headers['content-type']?.startsWith('application/json') === true
  const body = json ? JSON.parse(text) : undefined
  return { status: response.statusCode ?? 0, headers: response.headers, text, body }
}

import { type IncomingHttpHeaders, request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { text } from 'node:stream/consumers'
import type { Reachable } from './addresses.ts'
import { secret, urlOf } from './given.ts'

export interface Question {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Sent as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/**
 * One request, no opinion about its answer. Node's own client and not `fetch`, which by the web's rules
 * refuses to speak to Feast's port at all; and a new connection each time, since servers restart here.
 */
export async function ask(
  service: Reachable,
  path: string,
  { method, body, headers }: Question,
  signal: AbortSignal,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const url = new URL(urlOf(service, path))
  const sent = body === undefined ? undefined : JSON.stringify(body)
  const options = {
    method: method ?? (sent === undefined ? 'GET' : 'POST'),
    headers: { ...(sent !== undefined && { 'content-type': 'application/json' }), ...headers },
    agent: false,
    signal,
    ...(service === 'vault' && url.protocol === 'https:' && { ca: secret('vault-tls/ca.crt') }),
  } as const
  const send = url.protocol === 'https:' ? secureRequest : request
  const asked = send(url, options, (response) => {
    const { statusCode = 0, headers: answered } = response
    text(response).then(
      (whole) => resolve({ status: statusCode, headers: answered, text: whole }),
      reject,
    )
  })
  asked.on('error', reject)
  asked.end(sent)
  return await promise
}

/** The JSON of a good answer; a bad one throws with what it said. */
export async function askJson<T>(
  service: Reachable,
  path: string,
  question: Question,
  signal: AbortSignal,
): Promise<T> {
  const answer = await ask(service, path, question, signal)
  if (answer.status < 200 || answer.status > 299)
    throw new Error(
      `${urlOf(service, path)} answered ${answer.status}: ${answer.text.slice(0, 300)}`,
    )
  return JSON.parse(answer.text) as T
}

export const as = {
  reader: () => bearer(secret('reader_key')),
  writer: () => bearer(secret('writer_key')),
}

export function bearer(key: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${key}` }
}

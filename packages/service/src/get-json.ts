import { get as getPlain, type IncomingMessage } from 'node:http'
import { get as getSecure } from 'node:https'
import { ServiceError } from './errors.ts'

export interface GetJsonOptions {
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string | undefined
  /** False takes any certificate. */
  readonly verify?: boolean
  readonly timeoutMs: number
}

/** More than any discovery document or key set holds. */
const MAX_BYTES = 1024 * 1024

/**
 * One JSON document over HTTP or HTTPS. Not `fetch`: that takes no certificate of its own and refuses
 * some ports.
 * @throws ServiceError `identity_unavailable` whatever went wrong
 */
export async function getJson(
  url: string,
  { ca, verify = true, timeoutMs }: GetJsonOptions,
): Promise<unknown> {
  const signal = AbortSignal.timeout(timeoutMs)
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  try {
    const options = { signal, agent: false as const }
    const request = url.startsWith('https:')
      ? getSecure(url, { ...options, rejectUnauthorized: verify, ...(ca !== undefined && { ca }) })
      : getPlain(url, options)
    request.once('response', resolve).once('error', reject)
    const response = await promise
    if (response.statusCode !== 200) {
      response.resume()
      throw new Error(`it answered ${response.statusCode}`)
    }
    return JSON.parse(await textOf(response))
  } catch (cause) {
    throw new ServiceError('identity_unavailable', `${url} cannot be read: ${String(cause)}`, {
      cause,
    })
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BYTES) throw new Error(`it is longer than ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

import { context, propagation, SpanStatusCode } from '@opentelemetry/api'
import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_REQUEST_RESEND_COUNT,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_FULL,
} from '@opentelemetry/semantic-conventions'
import { withSpan } from './spans.ts'

export interface OutgoingCall {
  readonly method: string
  /** Of few paths: the path is part of the span's name. */
  readonly url: URL
  /** How many times it was sent before; 0 for the first. */
  readonly resends: number
}

/** One attempt of a call in a CLIENT span; `send` gets the headers that take the trace along. */
export function traceCall<Answer extends { readonly status: number }>(
  { method, url, resends }: OutgoingCall,
  send: (headers: Readonly<Record<string, string>>) => Promise<Answer>,
): Promise<Answer> {
  const attributes = {
    [ATTR_HTTP_REQUEST_METHOD]: method,
    [ATTR_SERVER_ADDRESS]: url.hostname,
    [ATTR_SERVER_PORT]: portOf(url),
    // Without a user, a password or a query.
    [ATTR_URL_FULL]: `${url.origin}${url.pathname}`,
    ...(resends > 0 && { [ATTR_HTTP_REQUEST_RESEND_COUNT]: resends }),
  }
  return withSpan(`${method} ${url.pathname}`, { kind: 'client', attributes }, async (span) => {
    const answer = await send(injectContext({}))
    span.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, answer.status)
    if (answer.status >= 400) {
      span.setAttribute(ATTR_ERROR_TYPE, String(answer.status))
      span.setStatus({ code: SpanStatusCode.ERROR })
    }
    return answer
  })
}

/** Writes the active span's W3C headers into these headers and gives them back. */
export function injectContext<Headers extends Record<string, string>>(headers: Headers): Headers {
  propagation.inject(context.active(), headers)
  return headers
}

function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port)
  return protocol === 'https:' ? 443 : 80
}

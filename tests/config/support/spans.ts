import { randomBytes } from 'node:crypto'

export interface SpanLike {
  readonly name: string
  readonly attributes?: Readonly<Record<string, string | number>>
  readonly durationMs?: number
  readonly error?: string
}

/** A trace of one span each, as OTLP over HTTP takes them. */
export function traces(service: string, spans: readonly SpanLike[]): unknown {
  return {
    resourceSpans: [
      {
        resource: {
          attributes: attributes({ 'service.name': service, 'service.instance.id': 'i-1' }),
        },
        scopeSpans: [{ scope: { name: 'test' }, spans: spans.map(span) }],
      },
    ],
  }
}

function span({ name, attributes: given = {}, durationMs = 1, error }: SpanLike) {
  const endNs = BigInt(Date.now()) * 1_000_000n
  return {
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    name,
    kind: 2,
    startTimeUnixNano: String(endNs - BigInt(durationMs) * 1_000_000n),
    endTimeUnixNano: String(endNs),
    attributes: attributes(given),
    ...(error !== undefined && { status: { code: 2, message: error } }),
  }
}

function attributes(given: Readonly<Record<string, string | number>>) {
  return Object.entries(given).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
  }))
}

export interface JaegerTrace {
  readonly spans: readonly {
    readonly operationName: string
    readonly tags: readonly { readonly key: string; readonly value: unknown }[]
  }[]
}

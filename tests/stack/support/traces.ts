import { randomBytes } from 'node:crypto'
import { askJson } from './http.ts'

/** The W3C header of a caller whose span is the parent of what it asks for. */
export interface Caller {
  readonly traceId: string
  readonly spanId: string
  readonly traceparent: string
}

export function newCaller(): Caller {
  const traceId = randomBytes(16).toString('hex')
  const spanId = randomBytes(8).toString('hex')
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-01` }
}

/** A span as Jaeger keeps it, under the name of its service. */
export interface Span {
  readonly spanId: string
  readonly parentId: string | undefined
  readonly service: string
  readonly name: string
  readonly tags: Readonly<Record<string, unknown>>
}

/** The spans of a trace. Throws where Jaeger does not know it (yet). */
export async function spansOf(traceId: string, signal: AbortSignal): Promise<readonly Span[]> {
  const [trace] = await traces(`/api/traces/${traceId}`, signal)
  if (trace === undefined) throw new Error(`Jaeger has no trace ${traceId}`)
  return trace
}

/** The newest traces in which a service took part. */
export async function newestTraces(
  service: string,
  signal: AbortSignal,
): Promise<readonly (readonly Span[])[]> {
  const query = new URLSearchParams({ service, limit: '100', lookback: '1h' })
  return await traces(`/api/traces?${query.toString()}`, signal)
}

interface JaegerTrace {
  readonly spans: readonly {
    readonly spanID: string
    readonly operationName: string
    readonly processID: string
    readonly references: readonly { readonly refType: string; readonly spanID: string }[]
    readonly tags: readonly { readonly key: string; readonly value: unknown }[]
  }[]
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>
}

async function traces(path: string, signal: AbortSignal): Promise<readonly (readonly Span[])[]> {
  const { data } = await askJson<{ data: readonly JaegerTrace[] }>('jaeger', path, {}, signal)
  return data.map(({ spans, processes }) =>
    spans.map(({ spanID, operationName, processID, references, tags }) => ({
      spanId: spanID,
      parentId: references.find(({ refType }) => refType === 'CHILD_OF')?.spanID,
      service: processes[processID]?.serviceName ?? 'unknown',
      name: operationName,
      tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
    })),
  )
}

/** A span, its parent, and so on up to the trace's first span that Jaeger has. */
export function pathTo(span: Span, spans: readonly Span[]): readonly Span[] {
  const parent = spans.find(({ spanId }) => spanId === span.parentId)
  return parent === undefined ? [span] : [span, ...pathTo(parent, spans)]
}

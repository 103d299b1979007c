import { fileURLToPath } from 'node:url'
import {
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServiceClientConstructor,
} from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

type Value = string | number | boolean | readonly Value[]
type Attributes = Readonly<Record<string, Value>>

/** A span as it came over the wire. */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  /** Empty for a root. */
  readonly parentSpanId: string
  readonly name: string
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer'
  readonly attributes: Attributes
  readonly status: 'unset' | 'ok' | 'error'
  readonly events: readonly { readonly name: string; readonly attributes: Attributes }[]
  readonly resource: Attributes
}

/** A collector that takes OTLP over gRPC and keeps every span. */
export interface OtlpSink extends AsyncDisposable {
  readonly url: string
  readonly spans: readonly ReceivedSpan[]
}

const PROTO = fileURLToPath(new URL('otlp-traces.proto', import.meta.url))

export async function startOtlpSink(): Promise<OtlpSink> {
  const spans: ReceivedSpan[] = []
  const server = new Server()
  server.addService(traceService(), {
    export(
      { request }: { request: ExportRequest },
      done: (error: null, response: object) => void,
    ): void {
      spans.push(...request.resourceSpans.flatMap(receivedOf))
      done(null, {})
    },
  })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  )
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    async [Symbol.asyncDispose]() {
      server.forceShutdown()
    },
  }
}

function traceService(): ServiceClientConstructor['service'] {
  const loaded = loadPackageDefinition(loadSync(PROTO, { longs: Number, oneofs: true }))
  const at = 'opentelemetry.proto.collector.trace.v1.TraceService'
  const found = at.split('.').reduce<unknown>((node, key) => (node as never)[key], loaded)
  return (found as ServiceClientConstructor).service
}

interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes?: readonly KeyValue[] } | null
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[]
  }[]
}

interface WireSpan {
  readonly traceId: Buffer
  readonly spanId: Buffer
  readonly parentSpanId?: Buffer
  readonly name: string
  readonly kind: number
  readonly attributes?: readonly KeyValue[]
  readonly status?: { readonly code?: number } | null
  readonly events?: readonly { readonly name: string; readonly attributes?: readonly KeyValue[] }[]
}

interface KeyValue {
  readonly key: string
  readonly value: AnyValue
}

/** `value` names the field that is set. */
interface AnyValue {
  readonly value: 'stringValue' | 'boolValue' | 'intValue' | 'doubleValue' | 'arrayValue'
  readonly [field: string]: unknown
}

const KINDS = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'] as const
const STATUSES = ['unset', 'ok', 'error'] as const

function receivedOf({
  resource,
  scopeSpans,
}: ExportRequest['resourceSpans'][number]): ReceivedSpan[] {
  return scopeSpans.flatMap(({ spans }) =>
    spans.map((span) => ({
      traceId: span.traceId.toString('hex'),
      spanId: span.spanId.toString('hex'),
      parentSpanId: span.parentSpanId?.toString('hex') ?? '',
      name: span.name,
      kind: KINDS[span.kind] ?? 'internal',
      attributes: attributesOf(span.attributes),
      status: STATUSES[span.status?.code ?? 0] ?? 'unset',
      events: (span.events ?? []).map(({ name, attributes }) => ({
        name,
        attributes: attributesOf(attributes),
      })),
      resource: attributesOf(resource?.attributes),
    })),
  )
}

function attributesOf(pairs: readonly KeyValue[] = []): Attributes {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, valueOf(value)]))
}

function valueOf(any: AnyValue): Value {
  if (any.value !== 'arrayValue') return any[any.value] as Value
  return (any['arrayValue'] as { values?: AnyValue[] }).values?.map(valueOf) ?? []
}

import { type Attributes, type Span, SpanKind, type Tracer, trace } from '@opentelemetry/api'
import { failSpan } from './failure.ts'

/** The SDK's tracer while one is registered, else one that does nothing. */
export function currentTracer(): Tracer {
  return trace.getTracer('usdcop')
}

const KINDS = {
  internal: SpanKind.INTERNAL,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
} as const

export interface WorkSpanOptions {
  /** `internal` unless given. */
  readonly kind?: keyof typeof KINDS
  /** Never a secret, never a feature vector. */
  readonly attributes?: Attributes
}

/**
 * Does the work inside a span, a child of the active one, which ends with the work. What the work
 * throws marks the span and goes on to the caller.
 */
export function withSpan<Result>(
  name: string,
  { kind = 'internal', attributes = {} }: WorkSpanOptions,
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  return currentTracer().startActiveSpan(name, { kind: KINDS[kind], attributes }, async (span) => {
    try {
      return await work(span)
    } catch (error) {
      failSpan(span, error)
      throw error
    } finally {
      span.end()
    }
  })
}

/** Attributes for the span that is active here; nothing where there is none. */
export function describeSpan(attributes: Attributes): void {
  trace.getActiveSpan()?.setAttributes(attributes)
}

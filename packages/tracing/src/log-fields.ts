import { isSpanContextValid, trace } from '@opentelemetry/api'

export interface TraceFields {
  readonly trace_id: string
  readonly span_id: string
  /** Two hex digits; `01` for a trace that is kept. */
  readonly trace_flags: string
}

/** A pino mixin: names the span in which a line was written, so that Loki and Jaeger meet. */
export function traceFields(): TraceFields | Record<string, never> {
  const span = trace.getActiveSpan()?.spanContext()
  if (span === undefined || !isSpanContextValid(span)) return {}
  return {
    trace_id: span.traceId,
    span_id: span.spanId,
    trace_flags: span.traceFlags.toString(16).padStart(2, '0'),
  }
}

import { type Attributes, type Span, SpanStatusCode } from '@opentelemetry/api'
import {
  ATTR_ERROR_TYPE,
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_EXCEPTION_TYPE,
} from '@opentelemetry/semantic-conventions'

/**
 * Marks a span as failed. What is recorded of an error is its code, its class and where it was thrown,
 * never its message: a message may quote an address with a password, and stands in the log, under
 * this trace's id.
 */
export function failSpan(span: Span, error: unknown): void {
  span.addEvent('exception', exceptionOf(error))
  span.setAttribute(ATTR_ERROR_TYPE, errorType(error))
  span.setStatus({ code: SpanStatusCode.ERROR })
}

/** An error's code where it has one, else its class: few values, fit to count by. */
export function errorType(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && /^\w{1,64}$/.test(code) ? code : error.name
}

function exceptionOf(error: unknown): Attributes {
  if (!(error instanceof Error)) return { [ATTR_EXCEPTION_TYPE]: typeof error }
  return { [ATTR_EXCEPTION_TYPE]: error.name, [ATTR_EXCEPTION_STACKTRACE]: framesOf(error) }
}

function framesOf({ stack = '', message }: Error): string {
  const end = stack.indexOf(message)
  const behind = end === -1 ? stack : stack.slice(end + message.length)
  return behind
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n')
}

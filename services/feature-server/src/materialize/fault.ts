import { type ErrorCode, ServiceError, STATUS } from '@usdcop/service/errors'

/** An error as it travels between processes. */
export interface Fault {
  readonly code: ErrorCode
  readonly message: string
  readonly details?: unknown
  /** What was beneath it, for the log. */
  readonly cause?: string
}

export function toFault(error: unknown): Fault {
  if (!(error instanceof ServiceError)) return { code: 'internal', message: textOf(error) }
  const { code, message, details, cause } = error
  return {
    code,
    message,
    ...(details !== undefined && { details }),
    ...(cause !== undefined && { cause: textOf(cause) }),
  }
}

export function fromFault({ code, message, details, cause }: Fault): ServiceError {
  const options = { details, ...(cause !== undefined && { cause: new Error(cause) }) }
  return new ServiceError(Object.hasOwn(STATUS, code) ? code : 'internal', message, options)
}

function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

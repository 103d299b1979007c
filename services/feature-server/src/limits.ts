import { ServiceError } from '@usdcop/service/errors'

/** How much one request may ask of this server. */
export interface Limits {
  readonly bodyBytes: number
  readonly rows: number
  /** Rows times features. */
  readonly cells: number
}

/** How much this server takes on at once. */
export interface Capacity {
  readonly concurrentRequests: number
  readonly requestTimeoutMs: number
  /** 0 never refuses a request for it. */
  readonly eventLoopDelayMs: number
}

/** Feast's own benchmark asks for 100 rows and 25,000 values at most. */
export const DEFAULT_LIMITS: Limits & Capacity = {
  bodyBytes: 4 * 1_024 * 1_024,
  rows: 100_000,
  cells: 250_000,
  concurrentRequests: 1_000,
  requestTimeoutMs: 10_000,
  eventLoopDelayMs: 500,
}

/** @throws ServiceError `payload_too_large` */
export function assertCells(rows: number, features: number, limits: Limits): void {
  if (rows > limits.rows)
    throw new ServiceError('payload_too_large', `${rows} rows are more than ${limits.rows}`)
  if (rows * features > limits.cells)
    throw new ServiceError(
      'payload_too_large',
      `${rows} rows of ${features} features are more than ${limits.cells} values`,
    )
}

/** @throws ServiceError `payload_too_large` */
export function assertFrameFits(frame: Readonly<Record<string, unknown>>, limits: Limits): void {
  const columns = Object.values(frame)
  const rows = columns.reduce(
    (most: number, column) => Math.max(most, Array.isArray(column) ? column.length : 0),
    0,
  )
  assertCells(rows, columns.length, limits)
}

/** HTTP status of every code the platform can answer with. `docs/errors.md` lists the same codes. */
export const STATUS = {
  invalid_request: 400,
  secret_path_invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  host_refused: 403,
  secret_denied: 403,
  not_found: 404,
  feature_view_unknown: 404,
  feature_service_unknown: 404,
  feature_unknown: 404,
  feature_view_version_unknown: 404,
  request_data_missing: 404,
  secret_absent: 404,
  secret_deleted: 404,
  push_source_unknown: 422,
  feature_name_collision: 422,
  conflict: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  too_many_requests: 429,
  caller_left: 499,
  internal: 500,
  transform_failed: 500,
  materialization_lost: 500,
  not_supported: 501,
  config_invalid: 500,
  contract_invalid: 500,
  contract_mismatch: 500,
  model_invalid: 500,
  schema_changed: 500,
  schema_newer: 500,
  data_directory_in_use: 500,
  ledger_broken: 500,
  vault_refused: 500,
  vault_login_refused: 500,
  wrapping_token_spent: 500,
  broker_refused: 500,
  broker_answer_invalid: 500,
  store_unavailable: 503,
  identity_unavailable: 503,
  vault_unavailable: 503,
  vault_sealed: 503,
  broker_unavailable: 503,
  features_unavailable: 503,
  transformations_unavailable: 503,
  model_unavailable: 503,
  not_ready: 503,
  deadline_exceeded: 504,
} as const

export type ErrorCode = keyof typeof STATUS

export interface ServiceErrorOptions extends ErrorOptions {
  /** Shown to the caller beside the message; must hold nothing secret. */
  readonly details?: unknown
}

/** The one error class of the platform: callers match on `code`, never on text. */
export class ServiceError extends Error {
  readonly code: ErrorCode
  readonly details: unknown

  constructor(code: ErrorCode, message: string, { details, ...options }: ServiceErrorOptions = {}) {
    super(message, options)
    this.name = 'ServiceError'
    this.code = code
    this.details = details
  }

  get status(): number {
    return STATUS[this.code]
  }
}

/** What can go wrong in this package; callers match on the code, never on the text. */
export type ObservationErrorCode =
  | 'clock_invalid'
  | 'contract_invalid'
  | 'macro_invalid'
  | 'observation_invalid'
  | 'state_invalid'
  | 'state_mismatch'

export class ObservationError extends Error {
  override readonly name: string = 'ObservationError'
  readonly code: ObservationErrorCode

  constructor(code: ObservationErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The contract file does not say what a contract must say. */
export class ContractError extends ObservationError {
  override readonly name = 'ContractError'

  constructor(message: string, options?: ErrorOptions) {
    super('contract_invalid', message, options)
  }
}

import type { ErrorCode } from '@usdcop/service/errors'

/** What an operator may be told, for metrics and logs. None of it holds a value, a token or what a caller typed. */
export type VaultEvent =
  | {
      readonly kind: 'request'
      readonly identity: string
      readonly operation: Operation
      readonly outcome: 'ok' | ErrorCode
      readonly ms: number
    }
  | ({ readonly kind: 'token'; readonly identity: string } & Held)
  | ({ readonly kind: 'lease'; readonly identity: string; readonly lease: string } & Held)
  | {
      readonly kind: 'read'
      readonly identity: string
      readonly answer: 'fresh' | 'cached' | 'shared' | 'stale' | 'environment'
    }
  | { readonly kind: 'secret_id'; readonly identity: string; readonly state: SecretIdState }
  | { readonly kind: 'server'; readonly up: boolean; readonly health: string }
  /** What the file of Vault's authority has come to; while it is of no use, the authority before is trusted. */
  | { readonly kind: 'authority'; readonly file: string; readonly state: 'changed' | 'unusable' }
  /** Somebody else has unwrapped what was meant for this identity: a person has to look. */
  | { readonly kind: 'alert'; readonly identity: string; readonly alert: 'wrapping_token_spent' }

/** What has become of something lent, and why where it has failed. */
export interface Held {
  readonly state: HoldingState
  readonly fault?: ErrorCode
}

export type HoldingState =
  | 'obtained'
  | 'renewed'
  | 'capped'
  | 'refused'
  | 'failed'
  | 'lapsed'
  | 'released'

/**
 * What became of an identity's own secret id: a successor has taken its place, was refused by Vault, or could not be
 * made now; one that is out of use was destroyed.
 */
export type SecretIdState = 'rotated' | 'refused' | 'failed' | 'destroyed'

export type Operation =
  | 'login'
  | 'lookup'
  | 'renew'
  | 'revoke'
  | 'unwrap'
  | 'issue'
  | 'read'
  | 'write'
  | 'list'
  | 'delete'
  | 'credentials'
  | 'transit'
  | 'health'

export type Observe = (event: VaultEvent) => void

export const observeNothing: Observe = () => {}

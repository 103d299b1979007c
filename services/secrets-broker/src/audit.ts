import type { ErrorCode } from '@usdcop/service/errors'
import type { Logger } from '@usdcop/service/log'

/** What a request was about. */
export type Action =
  | 'none'
  | 'identity.issue'
  | 'secret.read'
  | 'caller.list'
  | 'caller.rotate'
  | 'caller.revoke'
  | 'caller.restore'
  | 'cache.flush'
  | 'redis.rotate'
  | 'redis.reconcile'

/** One request, told without any value: who, what, and what was answered. */
export interface AuditEntry {
  readonly requestId: string
  readonly remote: string
  /** A caller, the name of an admin's key, `unknown`, or the broker itself. */
  readonly caller: string
  readonly way: 'certificate' | 'bearer' | 'none'
  readonly action: Action
  readonly outcome: 'ok' | ErrorCode
  /** What the action was about; paths have passed the grammar. */
  readonly about?: Readonly<Record<string, string | number | boolean>>
}

export type Audit = (entry: AuditEntry) => void

/** Lines with `audit: true` in the service's own log, whatever its level. */
export function createAudit(logger: Logger): Audit {
  const log = logger.child({ audit: true }, { level: 'info' })
  return (entry) => log.info(entry, `${entry.caller} ${entry.action}: ${entry.outcome}`)
}

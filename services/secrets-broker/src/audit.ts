import type { ErrorCode } from '@usdcop/service/errors'
import { type Logger, linePartsOf } from '@usdcop/service/log'

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
  readonly about?: Readonly<Record<string, string | number | boolean>> | undefined
}

/**
 * Tells one entry.
 * @param written called once its line is written; with the lines of a turn of the event loop, in one piece
 */
export type Audit = (entry: AuditEntry, written?: () => void) => void

const INFO = 30
const nothing = (): void => {}

/**
 * Lines with `audit: true` in the service's own log, whatever its level. They look as pino's do and are not made by it: that
 * would cost as much as answering. A log that takes no lines throws, and then nobody is answered.
 */
export function createAudit(logger: Logger): Audit {
  const { bindings, mixin, write } = linePartsOf(logger)
  let lines = ''
  let told: (() => void)[] = []
  let at = Number.NaN
  let time = ''

  function timeNow(): string {
    const now = Date.now()
    if (now !== at) {
      at = now
      time = new Date(now).toISOString()
    }
    return time
  }

  function flush(): void {
    const [text, all] = [lines, told]
    lines = ''
    told = []
    write(text)
    for (const written of all) written()
  }

  return (entry, written = nothing) => {
    const { requestId, remote, caller, way, action, outcome, about } = entry
    const msg = `${caller} ${action}: ${outcome}`
    const fields = { requestId, remote, caller, way, action, outcome, about, msg }
    lines += `{"level":${INFO},"time":"${timeNow()}",${bindings},"audit":true${inside(mixin())}${inside(fields)}}\n`
    if (told.push(written) === 1) setImmediate(flush)
  }
}

/** What stands in an object's JSON, behind a comma where there is anything. */
function inside(fields: object): string {
  for (const _ in fields) return `,${JSON.stringify(fields).slice(1, -1)}`
  return ''
}

import type { Audit } from '../audit.ts'
import { BROKER } from '../callers.ts'
import type { BrokerMetrics } from '../metrics.ts'
import type { RotationEvent } from './rotation.ts'

/** What the broker does to Redis by itself stands in its audit log as well; what an operator asks for is told as a request. */
export function tellOfRotations(
  { audit, metrics }: { readonly audit: Audit; readonly metrics: BrokerMetrics },
  path: string,
): (event: RotationEvent) => void {
  const byItself = { requestId: 'none', remote: 'none', caller: BROKER, way: 'none' } as const
  return (event) => {
    const { outcome } = event
    metrics.redis(event.kind, outcome)
    if (event.kind === 'rotation' && !event.asked) {
      const about = event.version === undefined ? {} : { version: event.version }
      audit({ ...byItself, action: 'redis.rotate', outcome, about: { secret: path, ...about } })
    }
    if (event.kind === 'reconciliation' && event.changed)
      audit({ ...byItself, action: 'redis.reconcile', outcome, about: { secret: path } })
  }
}

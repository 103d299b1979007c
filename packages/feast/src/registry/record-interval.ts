import type { Message } from '@bufbuild/protobuf'
import { ServiceError } from '@usdcop/service/errors'
import {
  messageFromJson,
  type ObjectMessage,
  type RegistryMessage,
} from '../proto/registry-message.ts'
import type { Interval } from './definitions.ts'

interface ViewMessage extends ObjectMessage {
  readonly meta?: { readonly materializationIntervals: readonly Message[] }
}

export const MATERIALIZED = [
  ['featureViews', 'FeatureView'],
  ['streamFeatureViews', 'StreamFeatureView'],
] as const

export interface Materialized extends Interval {
  readonly project: string
  readonly view: string
}

/**
 * Appends an interval to a view of a registry, and makes it one that Feast serves.
 * @param now epoch milliseconds
 * @throws ServiceError `feature_view_unknown`
 */
export function recordInterval(
  message: RegistryMessage,
  { project, view, start, end }: Materialized,
  now: number,
): void {
  for (const [list, kind] of MATERIALIZED) {
    const at = message[list].findIndex(
      ({ spec }) => spec?.name === view && spec.project === project,
    )
    const stored = message[list][at]
    if (stored === undefined) continue
    const { meta: added } = messageFromJson<ViewMessage>(kind, {
      meta: {
        materializationIntervals: [{ startTime: iso(start), endTime: iso(end) }],
        lastUpdatedTimestamp: iso(now),
        state: 'AVAILABLE_ONLINE',
      },
    })
    const { meta: before } = stored as ViewMessage
    const { materializationIntervals: earlier = [] } = before ?? {}
    const intervals = [...earlier, ...(added?.materializationIntervals ?? [])]
    Object.assign(stored, { meta: { ...before, ...added, materializationIntervals: intervals } })
    // Feast puts a view that has changed last.
    message[list].push(...message[list].splice(at, 1))
    return
  }
  throw new ServiceError(
    'feature_view_unknown',
    `Feature view ${view} does not exist in project ${project}`,
  )
}

function iso(at: number): string {
  return new Date(at).toISOString()
}

import type { Answer } from './transport.ts'

/** What `sys/health` tells, by its status alone: bodies differ between Vault and OpenBao. */
export type Health =
  | 'active'
  | 'standby'
  | 'standby_unreachable'
  | 'disaster_recovery'
  | 'removed'
  | 'uninitialised'
  | 'sealed'
  | 'unreachable'

const BY_STATUS: Readonly<Record<number, Health>> = {
  200: 'active',
  429: 'standby',
  472: 'disaster_recovery',
  473: 'standby',
  474: 'standby_unreachable',
  501: 'uninitialised',
  503: 'sealed',
  530: 'removed',
}

export function healthOf({ status }: Answer): Health {
  return BY_STATUS[status] ?? 'unreachable'
}

/** Whether requests can be answered: a standby passes them on. */
export function answersRequests(health: Health): boolean {
  return health === 'active' || health === 'standby'
}

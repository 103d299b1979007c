import { type Container, sayBytes } from './container.ts'
import { tableOf } from './table.ts'

export interface ServiceStatus {
  readonly service: string
  readonly state: string
  /** `none` where the image has no health check. */
  readonly health: string
  readonly ports: readonly { readonly host: number; readonly inside: number }[]
  readonly image: string
  /** null while it does not run. */
  readonly memoryBytes: number | null
  /** null: no limit */
  readonly memoryLimitBytes: number | null
  readonly restarts: number
}

/** @param memory in use, by short container id */
export function statusOf(
  containers: readonly Container[],
  memory: ReadonlyMap<string, number>,
): readonly ServiceStatus[] {
  return containers.map((container) => ({
    service: container.service,
    state: container.state === 'exited' ? `exited ${container.exitCode}` : container.state,
    health: container.health,
    ports: container.ports,
    image: container.image,
    memoryBytes: [...memory].find(([id]) => container.id.startsWith(id))?.[1] ?? null,
    memoryLimitBytes: container.memoryLimitBytes === 0 ? null : container.memoryLimitBytes,
    restarts: container.restarts,
  }))
}

export function describeStatus(services: readonly ServiceStatus[]): string {
  const head = ['service', 'state', 'health', 'ports', 'memory', 'restarts', 'image']
  const rows = services.map((one) => [
    one.service,
    one.state,
    one.health === 'none' ? '-' : one.health,
    one.ports.map(({ host, inside }) => `${host}→${inside}`).join(' ') || '-',
    memoryOf(one),
    String(one.restarts),
    // A digest is for machines.
    one.image.split('@', 1)[0] ?? '',
  ])
  const total = services.reduce((sum, { memoryBytes }) => sum + (memoryBytes ?? 0), 0)
  return `${tableOf([head, ...rows])}\n${services.length} containers, ${sayBytes(total)} of memory in use\n`
}

function memoryOf({ memoryBytes, memoryLimitBytes }: ServiceStatus): string {
  if (memoryBytes === null) return '-'
  const limit = memoryLimitBytes === null ? '' : ` of ${sayBytes(memoryLimitBytes)}`
  return `${sayBytes(memoryBytes)}${limit}`
}

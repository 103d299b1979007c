import { type Container, docker } from './docker.ts'

export const MIB = 1_024 * 1_024

export interface Memory {
  readonly service: string
  readonly usedBytes: number
  readonly limitBytes: number
}

const UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 1_024, MiB: MIB, GiB: 1_024 * MIB }

/** What each container uses now, as `docker stats` tells it: without the page cache it can give back. */
export async function memoryOf(
  containers: readonly Container[],
  signal: AbortSignal,
): Promise<readonly Memory[]> {
  const format = '{{.ID}} {{.MemUsage}}'
  const ids = containers.map(({ Id }) => Id)
  const lines = await docker(
    ['stats', '--no-stream', '--no-trunc', '--format', format, ...ids],
    signal,
  )
  const used = new Map(
    lines
      .trim()
      .split('\n')
      .map((line) => [line.split(' ')[0] ?? '', bytesOf(line.split(' ')[1] ?? '')]),
  )
  return containers.map(({ Id, service, HostConfig }) => {
    const usedBytes = used.get(Id)
    if (usedBytes === undefined) throw new Error(`docker stats says nothing of ${service}`)
    return { service, usedBytes, limitBytes: HostConfig.Memory }
  })
}

export function memoryTable(memory: readonly Memory[]): string {
  const total = memory.reduce(
    (sum, one) => ({
      service: 'together',
      usedBytes: sum.usedBytes + one.usedBytes,
      limitBytes: sum.limitBytes + one.limitBytes,
    }),
    { service: 'together', usedBytes: 0, limitBytes: 0 },
  )
  const lines = [...memory, total].map(({ service, usedBytes, limitBytes }) => {
    const mib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`.padStart(9)
    return `${service.padEnd(18)} ${mib(usedBytes)} of ${mib(limitBytes)}\n`
  })
  return lines.join('')
}

/** `12.5MiB`, as Docker writes sizes. */
function bytesOf(size: string): number {
  const { number, unit } = /^(?<number>[\d.]+)(?<unit>\w+)$/.exec(size)?.groups ?? {}
  const factor = UNITS[unit ?? '']
  if (factor === undefined) throw new Error(`docker stats says ${size}`)
  return Number(number) * factor
}

import { z } from 'zod'

/** One container of the stack, of what `docker inspect` says. */
export interface Container {
  readonly id: string
  readonly name: string
  readonly service: string
  readonly image: string
  readonly state: State
  readonly exitCode: number
  /** Why it could not be started or was killed; empty otherwise. */
  readonly fault: string
  readonly startedAt: string
  readonly health: 'none' | 'starting' | 'healthy' | 'unhealthy'
  /** What its last health check printed. */
  readonly healthOutput: string
  readonly restarts: number
  /** It is started again when it ends; without this it is a job that runs once. */
  readonly restartPolicy: 'no' | 'on-failure' | 'always' | 'unless-stopped'
  /** 0: none */
  readonly memoryLimitBytes: number
  readonly ports: readonly Port[]
}

export interface Port {
  readonly host: number
  readonly inside: number
}

const STATES = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'] as const
export type State = (typeof STATES)[number]

const Inspected = z.array(
  z.object({
    Id: z.string(),
    Name: z.string(),
    RestartCount: z.number(),
    State: z.object({
      Status: z.enum(STATES),
      ExitCode: z.number(),
      Error: z.string(),
      OOMKilled: z.boolean(),
      StartedAt: z.string(),
      Health: z
        .object({
          Status: z.enum(['none', 'starting', 'healthy', 'unhealthy']),
          Log: z.array(z.object({ Output: z.string() })).nullish(),
        })
        .nullish(),
    }),
    HostConfig: z.object({
      Memory: z.number(),
      // Compose 1.29 leaves the name empty, others say `no`.
      RestartPolicy: z.object({
        Name: z.enum(['', 'no', 'on-failure', 'always', 'unless-stopped']),
      }),
    }),
    Config: z.object({ Image: z.string(), Labels: z.record(z.string(), z.string()) }),
    NetworkSettings: z.object({
      Ports: z.record(z.string(), z.array(z.object({ HostPort: z.string() })).nullable()).nullish(),
    }),
  }),
)

/**
 * Reads what `docker inspect` prints, sorted by service. One-off containers of `compose run` are no
 * part of the stack. Throws a ZodError on anything else.
 */
export function parseContainers(text: string): readonly Container[] {
  return Inspected.parse(JSON.parse(text))
    .filter(({ Config }) => Config.Labels['com.docker.compose.oneoff'] !== 'True')
    .map(({ Id, Name, RestartCount, State, HostConfig, Config, NetworkSettings }) => ({
      id: Id,
      name: Name.replace(/^\//, ''),
      service: Config.Labels['com.docker.compose.service'] ?? Name,
      image: Config.Image,
      state: State.Status,
      exitCode: State.ExitCode,
      fault: State.OOMKilled ? 'out of memory' : State.Error,
      startedAt: State.StartedAt,
      health: State.Health?.Status ?? 'none',
      healthOutput: State.Health?.Log?.at(-1)?.Output.trim() ?? '',
      restarts: RestartCount,
      restartPolicy: HostConfig.RestartPolicy.Name || 'no',
      memoryLimitBytes: HostConfig.Memory,
      ports: portsOf(NetworkSettings.Ports ?? {}),
    }))
    .toSorted((a, b) => (a.service < b.service ? -1 : 1))
}

function portsOf(ports: Record<string, { HostPort: string }[] | null>): Port[] {
  const published = Object.entries(ports).flatMap(([inside, hosts]) =>
    (hosts ?? []).map(({ HostPort }) => ({
      host: Number(HostPort),
      inside: Number.parseInt(inside, 10),
    })),
  )
  // One binding an address family is one port to a person.
  return [...new Map(published.map((port) => [port.host, port])).values()]
}

const Usage = z.object({ ID: z.string(), MemUsage: z.string() })

/** Memory in use by the short id, of what `docker stats --no-stream --format '{{json .}}'` prints. */
export function parseMemory(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return new Map(
    lines.map((line) => {
      const { ID, MemUsage } = Usage.parse(JSON.parse(line))
      return [ID, bytesOf(MemUsage.split('/', 1)[0] ?? '')]
    }),
  )
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** `12.3MiB` in bytes; NaN for what is not so. */
export function bytesOf(text: string): number {
  const { value, unit = '' } =
    /^(?<value>[\d.]+)(?<unit>[KMGT]?i?B)$/.exec(text.trim())?.groups ?? {}
  const power = UNITS.indexOf(unit)
  return power < 0 ? Number.NaN : Math.round(Number(value) * 1024 ** power)
}

/** Bytes as people say them: `12 MiB`, `5.9 GiB`. */
export function sayBytes(bytes: number): string {
  const mebibytes = bytes / 1024 ** 2
  return mebibytes < 1024 ? `${Math.round(mebibytes)} MiB` : `${(mebibytes / 1024).toFixed(1)} GiB`
}

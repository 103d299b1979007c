import { parse } from 'yaml'
import { z } from 'zod'
import type { Files } from './files.ts'
import { interpolated } from './interpolation.ts'

export const COMPOSE_FILES = [
  'docker-compose.yml',
  'docker-compose.infrastructure.yml',
  'docker-compose.logging.yml',
  'docker-compose.mlops.yml',
] as const

const words = z.union([z.string(), z.array(z.string())]).optional()

/** A service as far as the checks look at it; hardening looks at its keys as well. */
const Service = z.looseObject({
  image: z.string(),
  build: z.object({ dockerfile: z.string(), args: z.record(z.string(), z.string()) }).optional(),
  user: z.string().optional(),
  command: words,
  entrypoint: words,
  environment: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))
    .default({}),
  volumes: z
    .array(
      z.union([
        z.string(),
        z.object({ type: z.string(), source: z.string().optional(), target: z.string() }),
      ]),
    )
    .default([]),
  secrets: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  networks: z
    .union([
      z.array(z.string()).transform((names) => names.map((name) => ({ name, aliases: [] }))),
      z
        .record(z.string(), z.object({ aliases: z.array(z.string()).default([]) }))
        .transform((all) => Object.entries(all).map(([name, rest]) => ({ name, ...rest }))),
    ])
    .default([{ name: 'default', aliases: [] }]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
})

const File = z.object({
  services: z.record(z.string(), Service),
  networks: z.record(z.string(), z.unknown()).default({}),
  volumes: z.record(z.string(), z.unknown()).default({}),
  secrets: z.record(z.string(), z.object({ file: z.string() })).default({}),
})

export type ComposeFile = z.output<typeof File>

export interface ComposeService extends z.output<typeof Service> {
  readonly name: string
  /** The first file it stands in. */
  readonly file: string
}

/** A compose file with its variables replaced. */
export function readCompose(
  files: Files,
  path: string,
  values: NodeJS.Dict<string> = {},
): ComposeFile {
  return File.parse(withValues(rawCompose(files, path), values))
}

/** As it stands in the file, aliases and merges resolved. */
export function rawCompose(files: Files, path: string): Readonly<Record<string, unknown>> {
  const text = files.read(path)
  const known = parsed.get(text)
  if (known !== undefined) return known
  const content = z.record(z.string(), z.unknown()).parse(parse(text, { merge: true }))
  parsed.set(text, content)
  return content
}

/** By text: a mutant differs from the checkout in one file of four. */
const parsed = new Map<string, Readonly<Record<string, unknown>>>()

/** Every service of the four files once; those of two files are held equal by a check. */
export function composeServices(
  files: Files,
  values: NodeJS.Dict<string> = {},
): readonly ComposeService[] {
  const seen = new Map<string, ComposeService>()
  for (const file of COMPOSE_FILES)
    for (const [name, service] of Object.entries(readCompose(files, file, values).services))
      if (!seen.has(name)) seen.set(name, { ...service, name, file })
  return [...seen.values()]
}

/** Built from this repository, and not taken from somebody else. */
export function isOurs({ build }: ComposeService): boolean {
  return build !== undefined
}

/** `grafana/loki` of `docker.io/grafana/loki:3.7.8@sha256:…`. */
export function repositoryOf(service: ComposeService): string {
  if (isOurs(service)) return service.image.replace(/:.*/, '')
  const tagged = service.image.replace(/@.*/, '').replace(/:[^:/]+$/, '')
  return tagged.replace(/^[^/]+\.[^/]+\//, '')
}

/** What a service is started with: its entry point, then its command. */
export function startWords({ entrypoint, command }: ComposeService): readonly string[] {
  return [entrypoint, command].flatMap((words) =>
    typeof words === 'string' ? words.split(' ') : (words ?? []),
  )
}

export interface Mount {
  /** A path of the host, or the name of a volume; none for tmpfs. */
  readonly source: string | undefined
  readonly target: string
  readonly readOnly: boolean
}

export function mountsOf({ volumes }: ComposeService): readonly Mount[] {
  return volumes.map((volume) => {
    if (typeof volume !== 'string')
      return { source: volume.source, target: volume.target, readOnly: false }
    const [source, target = '', mode] = volume.split(':')
    return { source, target, readOnly: mode === 'ro' }
  })
}

function withValues(value: unknown, values: NodeJS.Dict<string>): unknown {
  if (typeof value === 'string') return interpolated(value, values)
  if (Array.isArray(value)) return value.map((item) => withValues(item, values))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, withValues(item, values)]),
  )
}

import {
  COMPOSE_FILES,
  type ComposeService,
  composeServices,
  type Mount,
  mountsOf,
  readCompose,
  repositoryOf,
  startWords,
} from './compose.ts'
import { environmentOf } from './environment.ts'
import { below, type Files } from './files.ts'

interface Image {
  /** The user that the image makes its folders for. */
  readonly uid: number
  /** Folders of that user in the image: an empty volume takes over the owner of the folder it covers. */
  readonly folders: readonly string[]
}

/**
 * As the makers' Dockerfiles say. A volume over a folder that the image does not have belongs to root,
 * and the container that cannot write it stops at its first start, or at its first write.
 */
export const IMAGES: Readonly<Record<string, Image>> = {
  'usdcop/feature-server': { uid: 65_532, folders: ['/data'] },
  'usdcop/materializer': { uid: 65_532, folders: ['/data'] },
  'usdcop/inference-gateway': { uid: 65_532, folders: ['/data'] },
  'usdcop/secrets-broker': { uid: 65_532, folders: ['/data'] },
  redis: { uid: 999, folders: ['/data'] },
  'timescale/timescaledb': { uid: 70, folders: ['/var/lib/postgresql/data'] },
  postgres: { uid: 70, folders: ['/var/lib/postgresql/data'] },
  'hashicorp/vault': { uid: 100, folders: ['/vault/file', '/vault/logs'] },
  'otel/opentelemetry-collector-contrib': { uid: 10_001, folders: [] },
  // Everybody may write there.
  'jaegertracing/jaeger': { uid: 10_001, folders: ['/tmp'] },
  'prom/prometheus': { uid: 65_534, folders: ['/prometheus'] },
  'prom/alertmanager': { uid: 65_534, folders: ['/alertmanager'] },
  'grafana/grafana': { uid: 472, folders: ['/var/lib/grafana'] },
  'grafana/loki': { uid: 10_001, folders: ['/loki'] },
  // Root may write everywhere.
  'grafana/alloy': { uid: 0, folders: ['/var/lib/alloy/data'] },
  'mlflow/mlflow': { uid: 0, folders: ['/mlflow/artifacts'] },
}

/** What a container mounts is there, can be read by its user, and what it keeps can be written. */
export function mountFindings(files: Files): string[] {
  const values = environmentOf(files)
  const inMemory = COMPOSE_FILES.flatMap((path) => tmpfsVolumes(files, path, values))
  return [
    ...composeServices(files, values).flatMap((service) => [
      ...volumes(service, inMemory),
      ...configuration(files, service),
    ]),
    ...COMPOSE_FILES.flatMap((path) => undeclared(files, path, values)),
  ]
}

/** Volumes whose owner the file itself gives. */
function tmpfsVolumes(files: Files, path: string, values: NodeJS.Dict<string>): string[] {
  return Object.entries(readCompose(files, path, values).volumes).flatMap(([name, volume]) => {
    const { type, o = '' } =
      (volume as { driver_opts?: NodeJS.Dict<string> } | null)?.driver_opts ?? {}
    return type === 'tmpfs' && /\buid=/.test(o) ? name : []
  })
}

function volumes(service: ComposeService, inMemory: readonly string[]): string[] {
  const { name, user } = service
  const repository = repositoryOf(service)
  const image = IMAGES[repository]
  if (image === undefined) return [`${name}: nobody has said whose folders ${repository} has`]
  const uid = Number((user ?? '0').split(':')[0])
  const named = mountsOf(service).filter(
    ({ source = '' }) => /^[a-z]/.test(source) && !inMemory.includes(source),
  )
  return [
    ...(uid === image.uid
      ? []
      : [`${name} runs as ${uid}, and ${repository} is made for ${image.uid}`]),
    ...named
      .filter(({ readOnly, target }) => !readOnly && !image.folders.includes(target))
      .map(
        ({ target }) => `${name} keeps files in ${target}, which belongs to root in a new volume`,
      ),
  ]
}

function configuration(files: Files, service: ComposeService): string[] {
  const { name } = service
  const binds = mountsOf(service).flatMap(({ source, ...mount }) =>
    source === undefined || /^[a-z]/.test(source) ? [] : { source, ...mount },
  )
  // `prepare.sh` makes what lies in secrets/.
  const ours = binds.filter(({ source }) => /^\.\/(?!secrets\/)/.test(source))
  return [
    ...binds
      .filter(({ readOnly }) => !readOnly)
      .map(({ source }) => `${name} may write ${source} of the host`),
    ...ours
      .filter(({ source }) => below(files, source.slice(2)).length === 0)
      .map(({ source }) => `${name} mounts ${source}, which is not there`),
    ...ours.flatMap(({ source }) =>
      closed(files, source.slice(2)).map((path) => `${name} cannot read ${path}`),
    ),
    ...startWords(service)
      .flatMap((word) => pathIn(word, ours))
      .filter((path) => below(files, path).length === 0)
      .map((path) => `${name} is started with ${path}, which is not there`),
  ]
}

/** Files and folders below a path that another user than their owner cannot read. */
function closed(files: Files, source: string): string[] {
  const found = below(files, source)
  const folders = found.flatMap((path) => {
    const parts = path.slice(source.length).split('/').slice(0, -1)
    return path === source
      ? []
      : parts.map((_, depth) => source + parts.slice(0, depth + 1).join('/'))
  })
  return [
    ...found.filter((path) => (files.mode(path) & 0o004) === 0),
    ...[...new Set(folders)].filter((path) => (files.mode(path) & 0o005) !== 0o005),
  ]
}

/** The file of this repository that a word of the command names, such as `--config=/etc/x/x.yml`. */
function pathIn(word: string, binds: readonly (Mount & { source: string })[]): string[] {
  const path = /(?:^|=)(?<path>\/.*)$/.exec(word)?.groups?.['path']
  if (path === undefined) return []
  return binds
    .filter(({ target }) => path === target || path.startsWith(`${target}/`))
    .map(({ source, target }) => source.slice(2) + path.slice(target.length))
}

/** docker-compose 1.29 notices a network that is not declared at `up`, and neither notices one too many. */
function undeclared(files: Files, path: string, values: NodeJS.Dict<string>): string[] {
  const { volumes: declared, networks, services } = readCompose(files, path, values)
  const all = Object.entries(services).map(([name, one]) => ({ ...one, name, file: path }))
  const mounted = all.flatMap((service) => mountsOf(service).map(({ source }) => source))
  const joined = all.flatMap((service) => service.networks.map(({ name }) => name))
  return [
    ...Object.keys(declared)
      .filter((name) => !mounted.includes(name))
      .map((name) => `${path} has the volume ${name}, which none of its services mounts`),
    ...Object.keys(networks)
      .filter((name) => !joined.includes(name))
      .map((name) => `${path} has the network ${name}, which none of its services joins`),
    ...[...new Set(joined)]
      .filter((name) => !(name in networks))
      .map((name) => `${path} does not have the network ${name}, which a service joins`),
  ]
}

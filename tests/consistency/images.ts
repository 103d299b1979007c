import { type Kind, parsePinned, parseStandIns, tagOf } from '../stack/images.ts'
import { COMPOSE_FILES, composeServices, isOurs, rawCompose } from './compose.ts'
import { environmentOf } from './environment.ts'
import type { Files } from './files.ts'

interface Expected {
  /** What stands for it where no registry is reached. */
  readonly kind: Kind
  readonly usedBy: readonly string[]
  /** Where the stand-in's true version is written: a name of versions.env, or a Debian package. */
  readonly version?: string
}

/** Which image runs which service. `ours` is every service that this repository builds. */
export const IMAGES: Readonly<Record<string, Expected>> = {
  NODE: { kind: 'real', usedBy: ['ours'], version: 'NODE' },
  REDIS: { kind: 'real', usedBy: ['redis'] },
  TIMESCALEDB: { kind: 'substitute', usedBy: ['timescaledb'] },
  VAULT: { kind: 'substitute', usedBy: ['vault', 'vault-init'], version: 'OPENBAO' },
  OTEL_COLLECTOR: { kind: 'real', usedBy: ['otel-collector'], version: 'COLLECTOR' },
  JAEGER: { kind: 'real', usedBy: ['jaeger'], version: 'JAEGER' },
  PROMETHEUS: { kind: 'real', usedBy: ['prometheus'], version: 'PROMETHEUS' },
  GRAFANA: { kind: 'absent', usedBy: ['grafana'] },
  LOKI: { kind: 'real', usedBy: ['loki'], version: 'LOKI' },
  ALLOY: { kind: 'substitute', usedBy: ['alloy'], version: 'COLLECTOR_LOGS' },
  ALERTMANAGER: { kind: 'real', usedBy: ['alertmanager'], version: 'ALERTMANAGER' },
  MLFLOW: { kind: 'real', usedBy: ['mlflow'], version: 'MLFLOW' },
  MLFLOW_DB: { kind: 'real', usedBy: ['mlflow-db'] },
}

export const PINNED = 'images.env'
export const STAND_INS = 'images.standin.env'

/** Images come from the images files alone, both name the same ones, and each is pinned. */
export function imageFindings(files: Files): string[] {
  return [...namesAndUses(files), ...literals(files), ...digests(files), ...bases(files)]
}

function namesAndUses(files: Files): string[] {
  const expected = Object.keys(IMAGES)
  const named = [
    { file: PINNED, names: parsePinned(files.read(PINNED)).map(({ name }) => name) },
    { file: STAND_INS, names: parseStandIns(files.read(STAND_INS)).map(({ name }) => name) },
  ]
  const used = usesOf(files)
  return [
    ...named.flatMap(({ file, names }) => [
      ...expected
        .filter((name) => !names.includes(name))
        .map((name) => `${file} lacks ${name}_IMAGE`),
      ...names
        .filter((name) => !expected.includes(name))
        .map((name) => `${file} names ${name}_IMAGE, which nobody expects`),
    ]),
    ...Object.entries(IMAGES).flatMap(([name, { usedBy }]) => {
      const by = used.get(name) ?? []
      return by.join() === [...usedBy].sort().join()
        ? []
        : `${name}_IMAGE runs ${by.join(', ') || 'nothing'}, and not ${usedBy.join(', ')}`
    }),
  ]
}

/** By image, the services that name it. */
function usesOf(files: Files): Map<string, string[]> {
  const uses = new Map<string, Set<string>>()
  const use = (text: unknown, service: string) => {
    const name = /^\$\{(?<name>[A-Z_]+)_IMAGE\b/.exec(String(text))?.groups?.['name']
    if (name !== undefined) uses.set(name, (uses.get(name) ?? new Set()).add(service))
  }
  for (const [service, { image, build }] of rawServices(files)) {
    use(image, service)
    use(build?.args?.['NODE_IMAGE'], 'ours')
  }
  return new Map([...uses].map(([name, services]) => [name, [...services].sort()]))
}

interface RawService {
  readonly image: string
  readonly build?: { readonly args?: Readonly<Record<string, string>> }
}

function rawServices(files: Files): [string, RawService][] {
  return COMPOSE_FILES.flatMap((path) =>
    Object.entries(rawCompose(files, path)['services'] as Record<string, RawService>),
  )
}

/** An image that a compose file or a Dockerfile writes out cannot be replaced by a stand-in. */
function literals(files: Files): string[] {
  const ours = composeServices(files, environmentOf(files)).filter(isOurs)
  return rawServices(files).flatMap(([service, { image, build }]) => {
    const own = ours.some(({ name }) => name === service)
    const wanted = own
      ? /^usdcop\/[a-z-]+:\$\{USDCOP_VERSION:-[^}]+\}$/
      : /^\$\{[A-Z_]+_IMAGE:\?[^}]+\}$/
    const node = build?.args?.['NODE_IMAGE'] ?? '${NODE_IMAGE:?…}'
    return [
      ...(wanted.test(image) ? [] : [`${service} names its image itself: ${image}`]),
      ...(node.startsWith('${NODE_IMAGE:?') ? [] : [`${service} is built on ${node}`]),
    ]
  })
}

function digests(files: Files): string[] {
  const paragraphs = files.read(PINNED).split('\n\n')
  return parsePinned(files.read(PINNED)).flatMap(({ name, image }) => {
    const paragraph = paragraphs.find((lines) => new RegExp(`^${name}_IMAGE=`, 'm').test(lines))
    const says =
      paragraph
        ?.split('\n')
        .filter((line) => line.startsWith('#'))
        .join('\n') ?? ''
    const [, digest] = image.split('@')
    return [
      ...(/^[^:]+:.*\d+\.\d+/.test(tagOf(image))
        ? []
        : [`${name}_IMAGE has no tag with a version`]),
      ...(digest === undefined || /^sha256:[0-9a-f]{64}$/.test(digest)
        ? []
        : [`${name}_IMAGE has a digest that is none`]),
      ...(digest !== undefined || says.includes('# digest: none.')
        ? []
        : [`${name}_IMAGE has no digest and does not say why`]),
      ...(/^# digest: ./m.test(says)
        ? []
        : [`${name}_IMAGE does not say how its digest was found`]),
    ]
  })
}

/** What a Dockerfile starts from. */
function bases(files: Files): string[] {
  return files.paths
    .filter((path) => /^docker\/.*Dockerfile$/.test(path))
    .flatMap((path) => {
      const base = path === 'docker/Dockerfile' ? '$NODE_IMAGE' : '$BASE'
      return [...files.read(path).matchAll(/^FROM (?<image>\S+)/gm)]
        .map(({ groups }) => groups?.['image'] ?? '')
        .filter((image) => image !== base)
        .map((image) => `${path} starts from ${image}`)
    })
}

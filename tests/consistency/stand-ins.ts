import { parsePinned, parseStandIns } from '../stack/images.ts'
import { variablesOf } from './environment.ts'
import type { Files } from './files.ts'
import { IMAGES, PINNED, STAND_INS } from './images.ts'

const VERSIONS = 'docker/standin/versions.env'
const README = 'docker/standin/README.md'
const BUILD = 'docker/standin/build.sh'

/** Each stand-in says what it is, is tagged with the version of what is inside, and is made. */
export function standInFindings(files: Files): string[] {
  return [...descriptions(files), ...unmade(files)]
}

function descriptions(files: Files): string[] {
  const versions = variablesOf(files, VERSIONS)
  const readme = files.read(README)
  const found = parseStandIns(files.read(STAND_INS))
  const absent = found.filter(({ kind }) => kind === 'absent').map(({ name }) => name.toLowerCase())
  const left = variablesOf(files, STAND_INS)['STACK_ABSENT'] ?? ''
  const pinned = new Map(parsePinned(files.read(PINNED)).map(({ name, image }) => [name, image]))
  return [
    ...(left === absent.join(',')
      ? []
      : [`STACK_ABSENT leaves out ${left || 'nothing'}, and not ${absent.join(', ')}`]),
    ...found.flatMap(({ name, image, kind, is }) => {
      const expected = IMAGES[name]
      const tag = image.slice(image.lastIndexOf(':') + 1)
      const truth = expected?.version === undefined ? tag : versions[expected.version]
      const real = kind !== 'absent'
      return [
        ...(expected?.kind === kind
          ? []
          : [`${name} is said to be ${kind}, and is ${expected?.kind}`]),
        ...(!real || tag === truth
          ? []
          : [`${image} is tagged otherwise than ${VERSIONS} says: ${truth}`]),
        ...(!real || is.includes(` ${tag}`) ? [] : [`${image} is said to be ${is}`]),
        ...[real ? tag : undefined, versionOf(pinned.get(name))]
          .filter((version) => version !== undefined && !readme.includes(` ${version}`))
          .map((version) => `${README} does not name ${version} of ${name}`),
      ]
    }),
  ]
}

function versionOf(image: string | undefined): string | undefined {
  return /:v?(?<version>\d+(?:\.\d+)+)/.exec(image ?? '')?.groups?.['version']
}

function unmade(files: Files): string[] {
  const made = [...files.read(BUILD).matchAll(/^image (?<folder>\S+) "?(?<image>[a-z-]+):/gm)]
  const built = made.map(({ groups }) => groups?.['image'] ?? '')
  const missing = parseStandIns(files.read(STAND_INS))
    .filter(({ kind }) => kind !== 'absent')
    .map(({ image }) => image.replace(/^usdcop-standin\/(.*):.*$/, '$1'))
    .filter((image) => !built.includes(image))
    .map((image) => `${BUILD} makes no ${image}`)
  return [...new Set(missing)]
}

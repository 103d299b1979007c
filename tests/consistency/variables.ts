import { COMPOSE_FILES } from './compose.ts'
import {
  IMAGES_FILES,
  INFRASTRUCTURE_ENV,
  PROFILES,
  profileFile,
  variablesOf,
} from './environment.ts'
import type { Files } from './files.ts'
import { type Variable, variablesIn } from './interpolation.ts'

/** Variables that no compose file names, and who reads them. */
export const READ_ELSEWHERE: Readonly<Record<string, string>> = {
  COMPOSE_PROJECT_NAME: 'compose itself',
  COMPOSE_PROFILES: 'compose itself',
  STACK_ABSENT: 'the stack tests and `usdcop stack`',
  VAULT_ROLE_ID: "the seed's variable; accepted and not read, as docs/seed.md says",
  VAULT_SECRET_ID: "the seed's variable; accepted and not read, as docs/seed.md says",
}

/** Every variable of the compose files is written down, and every one written down is used. */
export function variableFindings(files: Files): string[] {
  const used = COMPOSE_FILES.flatMap((path) =>
    variablesIn(files.read(path)).map((variable) => ({ path, ...variable })),
  )
  const usedNames = new Set(used.map(({ name }) => name))
  const infrastructure = Object.keys(variablesOf(files, INFRASTRUCTURE_ENV))
  const images = IMAGES_FILES.flatMap((path) => Object.keys(variablesOf(files, path)))
  const written = new Set([...infrastructure, ...images])
  return [
    ...new Set(
      used
        .filter(({ name }) => !written.has(name))
        .map(({ path, name }) => `${path} uses ${name}, which no environment file has`),
    ),
    ...[...written]
      .filter((name) => !usedNames.has(name) && !(name in READ_ELSEWHERE))
      .map((name) => `${name} is written down, and nothing uses it`),
    ...Object.keys(READ_ELSEWHERE)
      .filter((name) => usedNames.has(name) || !written.has(name))
      .map((name) => `${name} is excepted, and needs no exception`),
    ...profiles(files, infrastructure),
    ...twoDefaults(used),
    ...version(files),
  ]
}

function profiles(files: Files, known: readonly string[]): string[] {
  return PROFILES.map(profileFile).flatMap((path) =>
    Object.keys(variablesOf(files, path))
      .filter((name) => !known.includes(name))
      .map((name) => `${path} sets ${name}, which ${INFRASTRUCTURE_ENV} does not have`),
  )
}

function twoDefaults(used: readonly Variable[]): string[] {
  const defaults = Map.groupBy(
    used.filter((variable) => variable.default !== undefined),
    ({ name }) => name,
  )
  return [...defaults].flatMap(([name, variables]) => {
    const different = new Set(variables.map((variable) => variable.default))
    return different.size > 1 ? `${name} has two defaults: ${[...different].join(' and ')}` : []
  })
}

/** The tag of our images is the version of the package. */
function version(files: Files): string[] {
  const { version: ours } = JSON.parse(files.read('package.json')) as { version: string }
  const tag = variablesOf(files, INFRASTRUCTURE_ENV)['USDCOP_VERSION']
  return tag === ours ? [] : [`USDCOP_VERSION is ${tag}, and package.json says ${ours}`]
}

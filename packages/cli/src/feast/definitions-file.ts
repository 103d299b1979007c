import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Definitions } from '@usdcop/feast/registry/definitions'
import { ServiceError } from '@usdcop/service/errors'

const FILE = 'features.ts'

/**
 * The definitions that `features.ts` of a repository exports as `definitions`: the object itself, or a
 * function of the environment that makes it.
 * @throws ServiceError `not_supported` for a repository in Python alone, `config_invalid` for a file
 *   that defines something else
 */
export async function readDefinitions(
  { directory, project }: { readonly directory: string; readonly project: string },
  env: NodeJS.ProcessEnv,
): Promise<Definitions> {
  const file = join(directory, FILE)
  if (!existsSync(file)) throw await noDefinitions(directory)
  const module = (await import(pathToFileURL(file).href)) as { readonly definitions?: unknown }
  const exported = module.definitions
  const definitions: unknown = typeof exported === 'function' ? await exported(env) : exported
  if (!isDefinitions(definitions))
    throw new ServiceError('config_invalid', `${file} exports no \`definitions\``)
  if (definitions.project !== project)
    throw new ServiceError(
      'config_invalid',
      `${file} defines the project '${definitions.project}', feature_store.yaml names ` +
        `'${project}'`,
    )
  return definitions
}

async function noDefinitions(directory: string): Promise<ServiceError> {
  const names = await readdir(directory, { recursive: true })
  if (names.some((name) => name.endsWith('.py')))
    return new ServiceError(
      'not_supported',
      `${directory} is defined in Python, which Feast itself applies: run its own \`feast apply\` ` +
        `there. Every other verb then works on what it applied. Definitions in ${FILE} are applied here.`,
    )
  return new ServiceError('config_invalid', `${directory} has no ${FILE}: nothing to apply`)
}

function isDefinitions(value: unknown): value is Definitions {
  if (typeof value !== 'object' || value === null) return false
  const { project, entities, views, services, pushSources } = value as Partial<Definitions>
  return (
    typeof project === 'string' &&
    [entities, views, services, pushSources].every((list) => Array.isArray(list))
  )
}

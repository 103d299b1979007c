import { Command } from 'commander'
import type { World } from '../world.ts'
import { readDocument } from './registry-document.ts'
import { type RepositoryOptions, readRepository } from './repository.ts'
import {
  type ListName,
  listOf,
  type RegistryDocument,
  type Stored,
  shownAs,
  specOf,
} from './stored.ts'

const LISTS: readonly ListName[] = [
  'dataSources',
  'entities',
  'featureViews',
  'featureServices',
  'onDemandFeatureViews',
  'streamFeatureViews',
  'labelViews',
  'savedDatasets',
  'permissions',
]

/** `registry-dump`: the project's objects as JSON, as Feast prints them. */
export function registryDumpCommand(world: World): Command {
  return new Command('registry-dump')
    .description("print all that the registry holds of the project, as Feast's JSON")
    .action(async (_options: unknown, command: Command) => {
      const repository = await readRepository(command.optsWithGlobals<RepositoryOptions>(), world)
      const document = await readDocument(repository, world.signal)
      const dumped = inOrder(dump(document, repository.config.project))
      world.stdout.write(`${JSON.stringify(dumped, undefined, 2)}\n`)
    })
}

function dump(document: RegistryDocument, project: string): unknown {
  const lists = LISTS.flatMap((list) => {
    const objects = listOf(document, list, project).toSorted((a, b) =>
      (specOf(list, a).name ?? '') < (specOf(list, b).name ?? '') ? -1 : 1,
    )
    return objects.length === 0 ? [] : [[list, objects.map((each) => dumped(list, each))] as const]
  })
  const metadata = (document.projectMetadata ?? []).filter((each) => each.project === project)
  return {
    project,
    ...Object.fromEntries(lists),
    ...(metadata.length > 0 && { projectMetadata: metadata }),
  }
}

/** A pickled function stays where it is: Feast shows its text in its place. */
function dumped(list: ListName, object: Stored): unknown {
  return JSON.parse(JSON.stringify(shownAs(list, object)), (_key, value: unknown) =>
    isFunction(value) ? { ...value, body: value.bodyText ?? '' } : value,
  )
}

interface StoredFunction {
  readonly body: string
  readonly bodyText?: string
}

function isFunction(value: unknown): value is StoredFunction {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as StoredFunction).body === 'string'
  )
}

/** Keys by name at every depth. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder)
  if (typeof value !== 'object' || value === null) return value
  const pairs = Object.entries(value).map(([key, of]) => [key, inOrder(of)] as const)
  return Object.fromEntries(pairs.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

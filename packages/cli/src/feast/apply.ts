import type { RegistryChange } from '@usdcop/feast/registry/registry-store'
import { Command } from 'commander'
import type { World } from '../world.ts'
import { readDefinitions } from './definitions-file.ts'
import {
  type Repository,
  type RepositoryOptions,
  readRepository,
  withRegistry,
} from './repository.ts'

interface ApplyOptions extends RepositoryOptions {
  readonly json?: true
}

/** `apply`: writes what `features.ts` defines to the registry. */
export function applyCommand(world: World): Command {
  return changing('apply', 'write what features.ts defines to the registry').action(
    async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ApplyOptions>()
      const repository = await readRepository(options, world)
      const definitions = await definitionsOf(repository, world)
      const changes = await withRegistry(
        repository,
        async (registry) => await registry.apply(definitions, world.signal),
      )
      if (options.json) return tellJson(changes, world)
      world.stdout.write(`Applying changes for project ${definitions.project}\n`)
      world.stdout.write(describeChanges(changes))
    },
  )
}

/** `plan`: what `apply` would change. */
export function planCommand(world: World): Command {
  return changing('plan', 'say what apply would change, and change nothing').action(
    async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ApplyOptions>()
      const repository = await readRepository(options, world)
      const definitions = await definitionsOf(repository, world)
      const changes = await withRegistry(
        repository,
        async (registry) => await registry.plan(definitions, world.signal),
      )
      if (options.json) return tellJson(changes, world)
      world.stdout.write(`${describeChanges(changes)}No changes to infrastructure\n`)
    },
  )
}

async function definitionsOf({ directory, config }: Repository, { env }: World) {
  return await readDefinitions({ directory, project: config.project }, env)
}

/** Feast's switches are taken: sources are read when they are materialized, and not before. */
function changing(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--skip-source-validation', 'as in Feast; sources are never looked at here')
    .option('--skip-feature-view-validation', 'as in Feast; views are always checked here')
    .option('--no-progress', 'as in Feast; no progress is drawn here')
    .option('--json', 'print the changes as JSON')
}

function tellJson(changes: readonly RegistryChange[], { stdout }: World): void {
  stdout.write(`${JSON.stringify(changes.filter(isChange))}\n`)
}

const WORDS = { created: 'Created', updated: 'Updated', deleted: 'Deleted' } as const

/** In the words of Feast's own plan. */
export function describeChanges(changes: readonly RegistryChange[]): string {
  const lines = changes.flatMap(({ kind, name, change }) =>
    change === 'unchanged' ? [] : [`${WORDS[change]} ${wordsOf(kind)} ${name}\n`],
  )
  return lines.length === 0 ? 'No changes to registry\n' : lines.join('')
}

function isChange({ change }: RegistryChange): boolean {
  return change !== 'unchanged'
}

/** `OnDemandFeatureView` → `on demand feature view`. */
function wordsOf(kind: string): string {
  return kind.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase()
}

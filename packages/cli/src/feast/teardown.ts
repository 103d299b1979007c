import { Command } from 'commander'
import type { World } from '../world.ts'
import { type RepositoryOptions, readRepository, withRegistry, withStore } from './repository.ts'

/** `teardown`: the project's rows and definitions go; Feast's own takes every project of the registry. */
export function teardownCommand(world: World): Command {
  return new Command('teardown')
    .description("delete this project's rows and definitions, and no other's")
    .option('--json', 'print what was deleted as JSON')
    .action(async (_options: unknown, command: Command) => {
      const { json, ...options } = command.optsWithGlobals<RepositoryOptions & { json?: true }>()
      const { stdout, signal } = world
      const repository = await readRepository(options, world)
      const rows = await withRegistry(repository, async (registry) => {
        // Where there is nothing to tear down, nothing is touched.
        await registry.read(signal)
        // Rows first: without definitions nobody would find them again.
        const erased = await withStore(repository, signal, async (store) =>
          store.deleteProject(signal),
        )
        await registry.deleteProject(signal)
        return erased
      })
      const { project } = repository.config
      if (json) stdout.write(`${JSON.stringify({ project, entities: rows })}\n`)
      else
        stdout.write(`Deleted the project ${project}: ${rows} entities and all its definitions\n`)
    })
}

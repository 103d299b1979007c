import type { ViewVersion } from '@usdcop/feast/registry/view-versions'
import { Command } from 'commander'
import type { World } from '../world.ts'
import { type RepositoryOptions, readRepository, withRegistry } from './repository.ts'
import { tabulate } from './tabulate.ts'

/** `feature-views list-versions NAME`: the schemas that a view has had, of whatever kind it is. */
export function listVersionsCommand(world: World): Command {
  return new Command('list-versions')
    .description('the versions of one, the first one first')
    .argument('<name>')
    .option('--json', 'print them as JSON')
    .action(async (name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<RepositoryOptions & { json?: true }>()
      const repository = await readRepository(options, world)
      const versions = await withRegistry(
        repository,
        async (registry) => await registry.versionsOf(name, world.signal),
      )
      // As Feast prints them, whose files have instants without a zone.
      const zone = repository.config.registry.type === 'sql' ? '+00:00' : ''
      if (options.json) world.stdout.write(`${JSON.stringify(versions.map(asJson))}\n`)
      else if (versions.length > 0) world.stdout.write(tableOf(versions, zone))
      else world.stdout.write(`No version history found for feature view '${name}'.\n`)
    })
}

function tableOf(versions: readonly ViewVersion[], zone: string): string {
  return tabulate(
    ['VERSION', 'TYPE', 'CREATED', 'VERSION_ID'],
    versions.map(({ number, type, createdAtUs, id }) => [
      `v${number}`,
      type,
      `${pythonTime(createdAtUs)}${zone}`,
      id,
    ]),
  )
}

/** As Python prints an instant: with a fraction of six digits, or none. */
function pythonTime(us: number): string {
  const seconds = new Date(us / 1_000).toISOString().slice(0, 19).replace('T', ' ')
  const fraction = us % 1e6
  return fraction === 0 ? seconds : `${seconds}.${String(fraction).padStart(6, '0')}`
}

function asJson({ number, type, createdAtUs, id }: ViewVersion): object {
  const createdTimestamp = `${pythonTime(createdAtUs).replace(' ', 'T')}Z`
  return { version: `v${number}`, featureViewType: type, createdTimestamp, versionId: id }
}

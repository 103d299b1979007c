import { Command, Option } from 'commander'
import { examples } from '../examples.ts'
import { applyCommand, planCommand } from '../feast/apply.ts'
import { clientTypesCommand } from '../feast/client-types.ts'
import { registryDumpCommand } from '../feast/dump.ts'
import { featuresCommand } from '../feast/features.ts'
import { GROUPS } from '../feast/groups.ts'
import { listVersionsCommand } from '../feast/list-versions.ts'
import { materializeCommand, materializeIncrementalCommand } from '../feast/materialize.ts'
import { currentProjectCommand, objectsCommand } from '../feast/objects.ts'
import { onlineFeaturesCommand } from '../feast/online-features.ts'
import { serveCommand } from '../feast/serve.ts'
import { teardownCommand } from '../feast/teardown.ts'
import type { World } from '../world.ts'

/** `usdcop feast VERB`: the verbs of Feast's own command, on any Feast repository. */
export function feastCommand(world: World): Command {
  const command = new Command('feast')
    .description('a Feast feature repository: its registry, its online store and its server')
    .addOption(
      new Option('-c, --chdir <dir>', 'the folder of feature_store.yaml')
        .default('.')
        .env('FEATURE_REPO_DIR_ENV_VAR'),
    )
    .addHelpText(
      'after',
      examples(
        'feast -c my_repo apply',
        'feast -c my_repo materialize-incremental 2026-01-31T18:00:00',
        'feast -c my_repo serve',
        'feast -c my_repo get-online-features -e driver_id=1001 -f driver_stats:conv_rate',
        'feast -c my_repo feature-views list --json',
      ),
    )
  for (const verb of [
    applyCommand,
    planCommand,
    materializeCommand,
    materializeIncrementalCommand,
    serveCommand,
    onlineFeaturesCommand,
    registryDumpCommand,
    clientTypesCommand,
    featuresCommand,
    teardownCommand,
  ])
    command.addCommand(verb(world))
  for (const group of GROUPS) {
    const objects = objectsCommand(group, world)
    if (group.name === 'feature-views') objects.addCommand(listVersionsCommand(world))
    if (group.name === 'projects') objects.addCommand(currentProjectCommand(world))
    command.addCommand(objects)
  }
  return command
}

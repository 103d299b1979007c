import { Command, InvalidArgumentError, Option } from 'commander'
import { examples } from '../examples.ts'
import { repositoryPath } from '../paths.ts'
import type { ComposeOptions } from '../stack/compose.ts'
import { runDoctor, runDown, runLogs, runStatus, runUp, type UpFlags } from '../stack/verbs.ts'
import type { World } from '../world.ts'

interface Common {
  readonly dir: string
  readonly compose?: string
}

/** `usdcop stack up|down|status|logs|doctor`: the composed stack, looked after. */
export function stackCommand(world: World): Command {
  const command = new Command('stack')
    .description('the platform and its servers in containers')
    .addHelpText(
      'after',
      examples(
        'stack up --profile demo',
        'stack status',
        'stack logs --follow inference-gateway',
        'stack doctor',
        'stack down',
      ),
    )

  addCommon(command.command('up'))
    .description('make ready, start everything and wait until it is healthy')
    .addOption(
      new Option(
        '--profile <profile>',
        'which settings; by default those of the last time, or dev',
      ).choices(['dev', 'demo', 'production']),
    )
    .option('--images <file>', 'which images; by default those of the last time, or images.env')
    .option('--without <services>', 'leave these out, separated by commas', list)
    .option('--build', 'build our images even where they are here')
    .option('--no-build', 'never build them')
    .addOption(
      new Option('--timeout <seconds>', 'how long to wait until all are up')
        .argParser(seconds)
        .default(300),
    )
    .option('--json', 'print the result as JSON')
    .action((flags: UpFlags & Common) => runUp(flags, compose(flags, world), world))

  addCommon(command.command('down'))
    .description('stop and remove the containers; what they stored stays')
    .option('-v, --volumes', 'remove what they stored, too')
    .action((flags: Common & { volumes?: true }) =>
      runDown({ volumes: flags.volumes === true }, compose(flags, world), world),
    )

  addCommon(command.command('status'))
    .description('what runs, how it is, and what it takes')
    .option('--json', 'print it as JSON')
    .action((flags: Common & { json?: true }) =>
      runStatus({ json: flags.json === true }, compose(flags, world), world),
    )

  addCommon(command.command('logs'))
    .description('the logs of the containers')
    .argument('[service...]', 'only these')
    .option('-f, --follow', 'go on with what is logged from now on, until Ctrl-C')
    .addOption(new Option('--tail <lines>', 'only so many lines of each').argParser(wholeNumber))
    .action((services: string[], flags: Common & { follow?: true; tail?: number }) =>
      runLogs(
        { services, follow: flags.follow === true, tail: flags.tail },
        compose(flags, world),
        world,
      ),
    )

  addCommon(command.command('doctor'))
    .description('say what stands in the way of the stack, and what to do about it')
    .option('--without <services>', 'services that are left out, separated by commas', list)
    .option('--json', 'print the checks as JSON')
    .action((flags: Common & { without?: string[]; json?: true }) =>
      runDoctor(
        { without: flags.without, json: flags.json === true },
        compose(flags, world),
        world,
      ),
    )
  return command
}

function addCommon(command: Command): Command {
  return command
    .addOption(
      new Option('--dir <dir>', 'the folder of the compose files').default(
        repositoryPath('.'),
        'this repository',
      ),
    )
    .addOption(
      new Option('--compose <path>', 'the Compose to use: a docker-compose executable').env(
        'USDCOP_COMPOSE',
      ),
    )
}

function compose({ dir, compose: path }: Common, { env }: World): ComposeOptions {
  return { directory: dir, env, path }
}

function list(text: string): string[] {
  return text.split(',').flatMap((part) => part.trim() || [])
}

function seconds(text: string): number {
  const value = Number(text)
  if (!(value > 0 && value <= 86_400))
    throw new InvalidArgumentError('a number of seconds above 0 is expected.')
  return value
}

function wholeNumber(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('a whole number is expected.')
  return Number(text)
}

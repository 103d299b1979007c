import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import { runChildService, serviceMain } from '../child-service.ts'
import type { World } from '../world.ts'
import { connectionString, type RepositoryOptions, readRepository } from './repository.ts'

interface ServeOptions extends RepositoryOptions {
  readonly host: string
  readonly port: number
  readonly workers: number
}

/** `serve`: the feature server over the repository. */
export function serveCommand(world: World): Command {
  const command = new Command('serve')
    .description('serve the features of the repository over HTTP, as Feast does')
    .addOption(new Option('-h, --host <host>', 'address to listen on').default('127.0.0.1'))
    .addOption(new Option('-p, --port <port>', 'port').argParser(port).default(6566))
    .addOption(
      new Option('-w, --workers <n>', 'processes that share the port; -1: by the number of cores')
        .argParser(workers)
        .default(1),
    )
    .addOption(
      new Option('-t, --type <type>', 'the only one there is').choices(['http']).default('http'),
    )
    .helpOption('--help')
  for (const flags of WITHOUT_EFFECT)
    command.addOption(new Option(flags, 'taken as in Feast, without effect').hideHelp())
  return command.action(async () => {
    const options = command.optsWithGlobals<ServeOptions>()
    // Faults of the repository are told here, in one line; the server tells them in its log.
    const { directory } = await readRepository(options, world)
    const main = serviceMain(
      'feature-server',
      'this installation holds another service than the feature server',
    )
    const env = {
      ...connectionString(world.env),
      ...world.env,
      FEAST_REPO: directory,
      HOST: options.host,
      PORT: String(options.port),
      WORKERS: String(options.workers),
    }
    await runChildService({ main, env, stdio: ['ignore', 'inherit', 'inherit'] }, world.signal)
  })
}

/** Of Feast's web server, which is another; metrics are always served, at `/metrics`. */
const WITHOUT_EFFECT = [
  '--no-access-log',
  '--worker-connections <n>',
  '--max-requests <n>',
  '--max-requests-jitter <n>',
  '--keep-alive-timeout <seconds>',
  '-m, --metrics',
  '-r, --registry_ttl_sec <seconds>',
]

function port(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new InvalidArgumentError('a port is expected.')
  return Number(text)
}

const MOST_WORKERS = 64

/** -1 is Feast's twice the cores and one; a process here fills a core by itself. */
function workers(text: string): number {
  if (text === '-1') return Math.min(availableParallelism(), MOST_WORKERS)
  if (!/^\d{1,2}$/.test(text) || Number(text) < 1 || Number(text) > MOST_WORKERS)
    throw new InvalidArgumentError(`a number from 1 to ${MOST_WORKERS}, or -1, is expected.`)
  return Number(text)
}

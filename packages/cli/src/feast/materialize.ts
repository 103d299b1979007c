import type { MaterializationJob, MaterializedView } from '@usdcop/feast/registry/materialization'
import type { RegistryStore } from '@usdcop/feast/registry/registry-store'
import { viewsToMaterialize } from '@usdcop/feast/serving/materialized-views'
import type { Transformer } from '@usdcop/feast/serving/transform'
import { parseInstant } from '@usdcop/feast/wire/instant'
import { createMaterializer } from '@usdcop/offline-store/materialize/materializer'
import { wallClock } from '@usdcop/service/clock'
import { Command, InvalidArgumentError, Option } from 'commander'
import { createProgress } from '../progress.ts'
import type { World } from '../world.ts'
import { repeated } from './repeated.ts'
import {
  type Repository,
  type RepositoryOptions,
  readRepository,
  withRegistry,
  withStore,
  withTransformer,
} from './repository.ts'

interface MaterializeOptions extends RepositoryOptions {
  readonly views?: readonly string[]
  readonly disableEventTimestamp?: true
  readonly version?: number
  readonly json?: true
}

/** `materialize START END`: the rows of that time, from the sources to the online store. */
export function materializeCommand(world: World): Command {
  const command = new Command('materialize')
    .description('read the rows between two instants and write them to the online store')
    .argument('[start]', 'ISO 8601, as 2021-07-16T19:20:01; UTC unless it says otherwise', instant)
    .argument('[end]', 'the same', instant)
    .option('--disable-event-timestamp', 'all rows there are, without START and END')
  return addOptions(command).action(async (start: number | undefined, end: number | undefined) => {
    const options = command.optsWithGlobals<MaterializeOptions>()
    await materialize(windowOf(command, start, end, options), options, world)
  })
}

/** `materialize-incremental END`: each view from where it was left. */
export function materializeIncrementalCommand(world: World): Command {
  const command = new Command('materialize-incremental')
    .description('go on from where each view was left, up to an instant')
    .argument('<end>', 'ISO 8601, as 2021-07-16T19:20:01; UTC unless it says otherwise', instant)
  return addOptions(command).action(async (end: number) => {
    const options = command.optsWithGlobals<MaterializeOptions>()
    await materialize({ start: undefined, end, ignoreEventTimestamps: false }, options, world)
  })
}

function addOptions(command: Command): Command {
  return command
    .addOption(
      new Option('-v, --views <name>', 'only this view; may be repeated').argParser(repeated),
    )
    .addOption(
      new Option('--version <version>', 'as v2; needs --views with one view').argParser(version),
    )
    .option('--json', 'print what was written as JSON')
}

type Window = Pick<MaterializationJob, 'start' | 'end' | 'ignoreEventTimestamps'>

function windowOf(
  command: Command,
  start: number | undefined,
  end: number | undefined,
  { disableEventTimestamp }: MaterializeOptions,
): Window {
  if (disableEventTimestamp) {
    if (start !== undefined || end !== undefined)
      command.error('error: --disable-event-timestamp takes no START and END')
    return { start: 0, end: wallClock.now(), ignoreEventTimestamps: true }
  }
  if (start === undefined || end === undefined)
    command.error('error: START and END are required without --disable-event-timestamp')
  return { start, end, ignoreEventTimestamps: false }
}

async function materialize(
  window: Window,
  { views, version: number, json, ...options }: MaterializeOptions,
  world: World,
): Promise<void> {
  const { signal, stdout } = world
  const repository = await readRepository(options, world)
  const done = await withTransformer(repository, async (transform) =>
    withRegistry(repository, async (registry) => {
      const definitions = await registry.read(signal)
      const named = await viewsToMaterialize(definitions, views, transform, signal)
      const job = { ...window, views: named, ...(number === undefined ? {} : { version: number }) }
      if (!json) stdout.write(describeJob(job, repository))
      return await run(repository, registry, transform, job, world)
    }),
  )
  stdout.write(json ? `${JSON.stringify(done.map(asJson))}\n` : describeDone(done))
}

type Job = MaterializationJob & { readonly views: readonly string[] }

async function run(
  repository: Repository,
  registry: RegistryStore,
  transform: Transformer,
  job: Job,
  { signal, stderr }: World,
): Promise<readonly MaterializedView[]> {
  const { directory, config } = repository
  const rowsAWrite = config.onlineWriteBatchSize
  const progress = createProgress(stderr, 'views')
  try {
    return await withStore(repository, signal, async (store) => {
      const deps = { registry, store, clock: wallClock, directory, rowsAWrite, transform }
      const materializer = createMaterializer(deps)
      return await materializer.run(job, signal, ({ view, rows }) =>
        progress.update(job.views.indexOf(view), job.views.length, `${view} ${rows} rows`),
      )
    })
  } finally {
    progress.stop()
  }
}

function describeJob({ start, end, views }: Job, { config: { onlineStore } }: Repository): string {
  const from = start === undefined ? '' : ` from ${shown(start)}`
  return (
    `Materializing ${views.length} feature views${from} to ${shown(end)} into the ` +
    `${onlineStore.type} online store.\n\n`
  )
}

function describeDone(done: readonly MaterializedView[]): string {
  return done
    .map(({ view, start, end, rows, older }) => {
      const stale = older === 0 ? '' : `, ${older} of them no newer than what is stored`
      return `${view} from ${shown(start)} to ${shown(end)}: ${rows} rows${stale}\n`
    })
    .join('')
}

function asJson({ start, end, ...done }: MaterializedView): unknown {
  return { ...done, start: new Date(start).toISOString(), end: new Date(end).toISOString() }
}

/** As Python prints an aware instant, without its fraction. */
function shown(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')}+00:00`
}

function instant(text: string): number {
  const at = parseInstant(text)
  if (at === undefined)
    throw new InvalidArgumentError('an ISO 8601 instant is expected, as 2021-07-16T19:20:01.')
  return at
}

function version(text: string): number {
  const number = /^v?(?<number>\d{1,9})$/i.exec(text)?.groups?.['number']
  if (number === undefined) throw new InvalidArgumentError('a version is expected, as v2.')
  return Number(number)
}

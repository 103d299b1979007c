import { assembleReply } from '@usdcop/feast/serving/assembled-reply'
import { readEntityRows } from '@usdcop/feast/serving/entity-rows'
import { makePlan } from '@usdcop/feast/serving/plan'
import { wallClock } from '@usdcop/service/clock'
import { Command, InvalidArgumentError, Option } from 'commander'
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

type Entities = Readonly<Record<string, readonly string[]>>

interface OnlineFeaturesOptions extends RepositoryOptions {
  readonly entities: Entities
  readonly features: readonly string[]
}

/** `get-online-features`: the newest values of some entities, column by column. */
export function onlineFeaturesCommand(world: World): Command {
  return new Command('get-online-features')
    .description('print the newest values of features, as Feast does')
    .addOption(
      new Option('-e, --entities <key=value>', 'a join key and its value; may be repeated')
        .argParser(entity)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('-f, --features <view:feature>', 'a feature; may be repeated')
        .argParser(repeated)
        .makeOptionMandatory(),
    )
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<OnlineFeaturesOptions>()
      const repository = await readRepository(options, world)
      const reply = await read(repository, options, world.signal)
      world.stdout.write(`${asDictionary(reply)}\n`)
    })
}

function entity(pair: string, before: Entities = {}): Entities {
  const [key = '', value, ...rest] = pair.split('=')
  if (key === '' || value === undefined || rest.length > 0)
    throw new InvalidArgumentError('key=value is expected.')
  return { ...before, [key]: [...(before[key] ?? []), value] }
}

async function read(
  repository: Repository,
  { features, entities }: OnlineFeaturesOptions,
  signal: AbortSignal,
): Promise<string> {
  const registry = await withRegistry(repository, async (store) => await store.read(signal))
  const plan = makePlan(registry, { features, featureService: undefined, fullFeatureNames: false })
  const serving = 'mark'
  // As in Feast, a column that is longer than the shortest has no row for the rest.
  const count = Math.min(...Object.values(entities).map((values) => values.length))
  const given = Object.entries(entities).map(([name, values]) => [name, values.slice(0, count)])
  const rows = readEntityRows(plan, Object.fromEntries(given), serving)
  const input = { plan, rows, now: wallClock.now(), serving, viewMetadata: false } as const
  return await withTransformer(repository, async (transform) =>
    withStore(repository, signal, async (store) => {
      const { body } = await assembleReply({ ...input, store, transform }, signal)
      return body.toString()
    }),
  )
}

interface Reply {
  readonly results: readonly { readonly values: readonly unknown[] }[]
  readonly metadata: { readonly feature_names: readonly string[] }
}

/** The JSON that Node has and TypeScript's library does not know yet: numbers keep their text. */
const exactJson = JSON as unknown as {
  parse(text: string, reviver: Reviver): unknown
  rawJSON(text: string): unknown
}
type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown

/** Column name → values, with every number in the digits that the reply has. */
function asDictionary(reply: string): string {
  const { results, metadata } = exactJson.parse(reply, keepDigits) as Reply
  const columns = metadata.feature_names.map((name, index) => [name, results[index]?.values])
  const text = JSON.stringify(Object.fromEntries(columns), undefined, 4)
  // Python's `json.dumps` prints ASCII alone.
  return text.replaceAll(/[\u0080-\uffff]/g, escaped)
}

const keepDigits: Reviver = (_key, value, { source }) =>
  typeof value === 'number' && source !== undefined ? exactJson.rawJSON(source) : value

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

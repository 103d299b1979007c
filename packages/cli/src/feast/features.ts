import { Command, Option } from 'commander'
import type { World } from '../world.ts'
import { readDocument } from './registry-document.ts'
import { type RepositoryOptions, readRepository } from './repository.ts'
import { type ListName, listOf, type RegistryDocument, specOf } from './stored.ts'
import { tabulate } from './tabulate.ts'

interface ListOptions extends RepositoryOptions {
  readonly output: 'table' | 'json'
}

const LISTS: readonly ListName[] = ['featureViews', 'onDemandFeatureViews', 'streamFeatureViews']

/** `features list`: every feature of every view. */
export function featuresCommand(world: World): Command {
  const command = new Command('features').description('features')
  command
    .command('list')
    .description('one line each')
    .addOption(new Option('--output <format>', 'how').choices(['table', 'json']).default('table'))
    .action(async (_options: unknown, verb: Command) => {
      const options = verb.optsWithGlobals<ListOptions>()
      const repository = await readRepository(options, world)
      const document = await readDocument(repository, world.signal)
      const rows = featuresOf(document, repository.config.project)
      world.stdout.write(options.output === 'json' ? jsonOf(rows) : tableOf(rows))
    })
  return command
}

/** Feature, view, type. */
type Row = readonly [string, string, string]

function featuresOf(document: RegistryDocument, project: string): readonly Row[] {
  return LISTS.flatMap((list) =>
    listOf(document, list, project).flatMap((object) => {
      const { name: view = '', features = [] } = specOf(list, object)
      return features.map(
        ({ name = '', valueType = '' }): Row => [name, view, shownType(valueType)],
      )
    }),
  )
}

function tableOf(rows: readonly Row[]): string {
  return tabulate(['Feature', 'Feature View', 'Data Type'], rows)
}

/** As Feast prints it, which gives each name under the key of the other. */
function jsonOf(rows: readonly Row[]): string {
  const objects = rows.map(([feature, view, dtype]) => ({
    feature_name: view,
    feature_view: feature,
    dtype,
  }))
  return `${JSON.stringify(objects, undefined, 4)}\n`
}

const TYPES: Readonly<Record<string, string>> = { DOUBLE: 'Float64', FLOAT: 'Float32' }

/** `UNIX_TIMESTAMP_LIST` → `Array(UnixTimestamp)`, as Feast's Python names a type. */
function shownType(valueType: string): string {
  const { item = valueType, many } = /^(?<item>.+)_(?<many>LIST|SET)$/.exec(valueType)?.groups ?? {}
  const words = item.split('_').map((word) => `${word.slice(0, 1)}${word.slice(1).toLowerCase()}`)
  const shown = TYPES[item] ?? words.join('')
  if (many === undefined) return shown
  return many === 'LIST' ? `Array(${shown})` : `Set(${shown})`
}

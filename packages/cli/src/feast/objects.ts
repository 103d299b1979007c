import { ServiceError } from '@usdcop/service/errors'
import { Command } from 'commander'
import { stringify } from 'yaml'
import type { World } from '../world.ts'
import type { Group } from './groups.ts'
import { readDocument } from './registry-document.ts'
import { type RepositoryOptions, readRepository } from './repository.ts'
import {
  DUMMY_ENTITY,
  listOf,
  type RegistryDocument,
  type Stored,
  shownAs,
  specOf,
} from './stored.ts'
import { tabulate } from './tabulate.ts'

interface ObjectOptions extends RepositoryOptions {
  readonly tags?: Tags
  readonly json?: true
}

type Tags = ReadonlyMap<string, string>

/** `projects current_project`: what the registry says of the repository's own. */
export function currentProjectCommand(world: World): Command {
  return new Command('current_project')
    .description('all that the registry says of this project')
    .option('--json', 'print it as JSON')
    .action(async (_options: unknown, verb: Command) => {
      const options = verb.optsWithGlobals<ObjectOptions>()
      const repository = await readRepository(options, world)
      const document = await readDocument(repository, world.signal)
      const { project } = repository.config
      const shown = describe(PROJECTS, document, project, project)
      world.stdout.write(options.json ? `${JSON.stringify(shown)}\n` : yamlOf(shown))
    })
}

/** `GROUP list` and `GROUP describe NAME`, on what the registry holds. */
export function objectsCommand(group: Group, world: World): Command {
  const command = new Command(group.name).description(group.description)
  command
    .command('list')
    .description('one line each')
    .option(
      '--tags <tags>',
      'only those with all these tags, as key:value or key:value,key:value; may be repeated',
      tags,
    )
    .option('--json', 'print the objects as JSON')
    .action(async (_options: unknown, verb: Command) => {
      const options = verb.optsWithGlobals<ObjectOptions>()
      const repository = await readRepository(options, world)
      const document = await readDocument(repository, world.signal)
      const found = objectsOf(group, document, repository.config.project, options.tags ?? new Map())
      world.stdout.write(options.json ? jsonOf(found) : tableOf(group, found))
    })
  command
    .command('describe')
    .description('all that the registry says of one')
    .argument('<name>')
    .option('--json', 'print it as JSON')
    .action(async (name: string, _options: unknown, verb: Command) => {
      const options = verb.optsWithGlobals<ObjectOptions>()
      const repository = await readRepository(options, world)
      const document = await readDocument(repository, world.signal)
      const shown = describe(group, document, repository.config.project, name)
      world.stdout.write(options.json ? `${JSON.stringify(shown)}\n` : yamlOf(shown))
    })
  return command
}

interface Found {
  readonly object: Stored
  readonly row: readonly string[]
  readonly shown: object
}

function objectsOf(
  { listed, row }: Group,
  document: RegistryDocument,
  project: string,
  wanted: Tags,
): readonly Found[] {
  return listed.flatMap((list) =>
    listOf(document, list, project).flatMap((object) => {
      const spec = specOf(list, object)
      if (spec.name === DUMMY_ENTITY || !hasTags(spec.tags ?? {}, wanted)) return []
      const context = { list, object, project, document }
      return [{ object, row: row(spec, context), shown: shownAs(list, object) }]
    }),
  )
}

function hasTags(held: Readonly<Record<string, string>>, wanted: Tags): boolean {
  return [...wanted].every(([key, value]) => held[key] === value)
}

function tableOf({ heads }: Group, found: readonly Found[]): string {
  return tabulate(
    heads,
    found.map(({ row }) => row),
  )
}

function jsonOf(found: readonly Found[]): string {
  return `${JSON.stringify(found.map(({ shown }) => shown))}\n`
}

const PROJECTS = { described: 'projects', noun: 'Project' } as const

function describe(
  { described, noun }: Pick<Group, 'described' | 'noun'>,
  document: RegistryDocument,
  project: string,
  name: string,
): unknown {
  const objects = listOf(document, described, project)
  const object = objects.find((each) => specOf(described, each).name === name)
  if (object === undefined) {
    const where = described === 'projects' ? '' : ` in project ${project}`
    throw new ServiceError('not_found', `${noun} ${name} does not exist${where}`)
  }
  const shown = shownAs(described, object)
  if (described !== 'featureViews') return shown
  return {
    ...shown,
    enabled: object.spec?.disabled !== true,
    state: object.meta?.state ?? 'STATE_UNSPECIFIED',
  }
}

/** As Feast prints it: YAML 1.1, whose `yes` and `10` are quoted where they are texts. */
function yamlOf(shown: unknown): string {
  const text = stringify(shown, {
    version: '1.1',
    indentSeq: false,
    singleQuote: true,
    lineWidth: 80,
  })
  return `${text}\n`
}

/** As Feast reads them: quotes and brackets are of no account. */
function tags(text: string, before: Tags = new Map()): Tags {
  const pairs = text
    .replaceAll(/["'()]/g, '')
    .split(',')
    .flatMap((pair) => {
      const colon = pair.indexOf(':')
      return colon < 0 ? [] : [[pair.slice(0, colon).trim(), pair.slice(colon + 1).trim()] as const]
    })
  return new Map([...before, ...pairs])
}

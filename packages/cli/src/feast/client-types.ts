import { readFile, writeFile } from 'node:fs/promises'
import { schemaOf } from '@usdcop/feature-client/schema-of'
import { schemaText } from '@usdcop/feature-client/schema-text'
import { ServiceError } from '@usdcop/service/errors'
import { Command } from 'commander'
import type { World } from '../world.ts'
import { type RepositoryOptions, readRepository, withRegistry } from './repository.ts'

interface ClientTypesOptions extends RepositoryOptions {
  readonly out?: string
  readonly check?: true
}

/** `client-types`: what the registry says, as the TypeScript that types a client of its server. */
export function clientTypesCommand(world: World): Command {
  const { signal, stdout } = world
  return new Command('client-types')
    .description('write the TypeScript that types a client by what the registry holds')
    .option('--out <file>', 'the .ts file to write; standard output unless given')
    .option('--check', 'write nothing, and fail where the file of --out says something else')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ClientTypesOptions>()
      const { out, check } = options
      if (check && out === undefined) command.error('error: --check needs the --out that it checks')
      const repository = await readRepository(options, world)
      const registry = await withRegistry(repository, async (store) => await store.read(signal))
      const text = schemaText(schemaOf(registry))
      if (out === undefined) {
        stdout.write(text)
        return
      }
      if (check) await assertSays(out, text, signal)
      else await writeFile(out, text, { signal })
      stdout.write(`${out} says what the registry holds of the project ${registry.project}\n`)
    })
}

async function assertSays(file: string, text: string, signal: AbortSignal): Promise<void> {
  if ((await textOf(file, signal)) === text) return
  throw new ServiceError(
    'conflict',
    `${file} does not say what the registry holds: run the same without --check`,
  )
}

/** Undefined where there is no such file. */
async function textOf(file: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return await readFile(file, { encoding: 'utf8', signal })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

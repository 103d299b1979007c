import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ServiceError } from '@usdcop/service/errors'
import type { Output } from '../world.ts'
import { isMissing } from './docker.ts'
import { type Captured, capture, type Program, passThrough } from './process.ts'

export const COMPOSE_FILES = [
  'docker-compose.yml',
  'docker-compose.infrastructure.yml',
  'docker-compose.logging.yml',
  'docker-compose.mlops.yml',
] as const

/** Gives services a compose profile that nobody asks for; both generations of Compose know profiles. */
const ABSENT_FILE = '.usdcop/stack/absent.yml'

export interface ComposeCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly version: string
}

export interface ComposeOptions {
  /** The folder of the compose files. */
  readonly directory: string
  readonly env: NodeJS.ProcessEnv
  /** The only one to try; otherwise the plugin of docker, then docker-compose. */
  readonly path: string | undefined
}

/** The first Compose there is, or undefined. */
export async function findCompose(
  { directory: cwd, env, path }: ComposeOptions,
  signal: AbortSignal,
): Promise<ComposeCommand | undefined> {
  const candidates =
    path === undefined
      ? [
          { command: 'docker', args: ['compose'] },
          { command: 'docker-compose', args: [] },
        ]
      : [{ command: path, args: [] }]
  for (const { command, args } of candidates) {
    const version = await versionOf(
      { command, args: [...args, 'version', '--short'], cwd, env },
      signal,
    )
    if (version !== undefined) return { command, args, version }
  }
  return undefined
}

async function versionOf(program: Program, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { code, stdout } = await capture(program, signal)
    return code === 0 ? stdout.trim().replace(/^v/, '') : undefined
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Compose over the four files of the stack, from their folder. */
export class Compose {
  readonly #command: ComposeCommand
  readonly #directory: string
  readonly #env: NodeJS.ProcessEnv
  readonly #files: readonly string[]

  private constructor(
    command: ComposeCommand,
    directory: string,
    env: NodeJS.ProcessEnv,
    files: readonly string[],
  ) {
    this.#command = command
    this.#directory = directory
    this.#env = env
    this.#files = files
  }

  /** Throws `not_ready` when no Compose is to be found. */
  static async open(options: ComposeOptions, signal: AbortSignal): Promise<Compose> {
    const command = await findCompose(options, signal)
    if (command === undefined) {
      const tried = options.path ?? '`docker compose` and `docker-compose`'
      throw new ServiceError('not_ready', `no Compose answers: ${tried}`)
    }
    return new Compose(command, options.directory, options.env, COMPOSE_FILES)
  }

  /** The same without some services, which an override file leaves out. */
  async without(services: readonly string[]): Promise<Compose> {
    if (services.length === 0) return this
    const file = join(this.#directory, ABSENT_FILE)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, absentOverride(services))
    return new Compose(this.#command, this.#directory, this.#env, [...COMPOSE_FILES, ABSENT_FILE])
  }

  /** Every service of the files; Compose 1.29 names those too that no profile asks for. */
  async services(signal: AbortSignal): Promise<string[]> {
    const { code, stdout, stderr } = await this.ask(['config', '--services'], signal)
    if (code !== 0) throw new ServiceError('config_invalid', `compose config: ${stderr.trim()}`)
    return stdout.split('\n').flatMap((line) => line.trim() || [])
  }

  ask(args: readonly string[], signal: AbortSignal): Promise<Captured> {
    return capture(this.#program('never', args), signal)
  }

  /** Its exit code; its words go out as they come, in colours on a terminal. */
  passThrough(
    args: readonly string[],
    outputs: { readonly stdout: Output; readonly stderr: Output },
    signal: AbortSignal,
  ): Promise<number> {
    const ansi = outputs.stdout.isTTY ? 'always' : 'never'
    return passThrough(this.#program(ansi, args), outputs, signal)
  }

  #program(ansi: 'always' | 'never', args: readonly string[]): Program {
    const files = this.#files.flatMap((file) => ['-f', file])
    return {
      command: this.#command.command,
      args: [...this.#command.args, '--ansi', ansi, ...files, ...args],
      cwd: this.#directory,
      env: this.#env,
    }
  }
}

export function absentOverride(services: readonly string[]): string {
  const entries = services.map((service) => `  ${service}:\n    profiles: [absent]\n`)
  return `# Written by \`usdcop stack up\`: services that are left out.\nservices:\n${entries.join('')}`
}

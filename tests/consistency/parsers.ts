import { execFile, spawnSync } from 'node:child_process'
import { parse } from 'yaml'
import { program } from '../support/standin.ts'

/** One of the two programs that read compose files. */
export interface Parser {
  readonly name: string
  readonly command: readonly string[]
  readonly missing: boolean
}

export interface Parsed {
  readonly code: number
  /** Standard error: what it complains about. */
  readonly said: string
  /** What it made of the files: all merged, all variables replaced. */
  readonly model: unknown
}

/** docker-compose 1.29, written in Python, and Compose v2 with its successors, written in Go. */
export function parsers(): readonly Parser[] {
  return [
    parser('docker-compose 1.29', /^1\./, ['docker-compose'], () => {
      process.stderr.write(
        'tests that need docker-compose 1.29 did not run: `apt-get install docker-compose`\n',
      )
      return undefined
    }),
    parser('Compose v2', /^(?:v?[2-9]|dev)/, ['docker', 'compose'], () => {
      const { path, missing } = program('compose')
      return missing ? undefined : [path]
    }),
  ]
}

/** @param otherwise what to run in the command's place, asked where that is missing or another version */
function parser(
  name: string,
  version: RegExp,
  command: readonly [string, ...string[]],
  otherwise: () => readonly string[] | undefined,
): Parser {
  const [path, ...args] = command
  const { stdout } = spawnSync(path, [...args, 'version', '--short'], { encoding: 'utf8' })
  const found = version.test(stdout ?? '') ? command : otherwise()
  return { name, command: found ?? [], missing: found === undefined }
}

/** Reads compose files in a folder that is made ready, with every profile on and no variable of ours. */
export function readWith(
  { command: [path = '', ...args] }: Parser,
  folder: string,
  composeFiles: readonly string[],
  signal: AbortSignal,
): Promise<Parsed> {
  const { PATH, HOME } = process.env
  const options = [...args, ...composeFiles.flatMap((file) => ['-f', file]), 'config']
  const { promise, resolve } = Promise.withResolvers<Parsed>()
  const env = { PATH, HOME, COMPOSE_PROFILES: 'demo' }
  execFile(path, options, { cwd: folder, env, signal }, (error, stdout, stderr) => {
    const code = error === null ? 0 : Number(error.code ?? 1)
    resolve({ code, said: stderr, model: code === 0 ? parse(stdout) : undefined })
  })
  return promise
}

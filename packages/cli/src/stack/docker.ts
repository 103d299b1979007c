import { ServiceError } from '@usdcop/service/errors'
import { type Container, parseContainers, parseMemory } from './container.ts'
import { type Captured, capture } from './process.ts'

/** The engine, through its own command: contexts, sockets and rights are its business. */
export class Docker {
  readonly #cwd: string
  readonly #env: NodeJS.ProcessEnv

  constructor(cwd: string, env: NodeJS.ProcessEnv) {
    this.#cwd = cwd
    this.#env = env
  }

  /** Whatever it answers. Throws `not_ready` when there is no docker command. */
  async ask(args: readonly string[], signal: AbortSignal): Promise<Captured> {
    try {
      const program = { command: 'docker', args, cwd: this.#cwd, env: this.#env }
      return await capture(program, signal)
    } catch (error) {
      if (!isMissing(error)) throw error
      throw new ServiceError('not_ready', 'docker is not installed, or not on PATH', {
        cause: error,
      })
    }
  }

  /** What it prints. Throws `not_ready` in the engine's words when it refuses. */
  async read(args: readonly string[], signal: AbortSignal): Promise<string> {
    const { code, stdout, stderr } = await this.ask(args, signal)
    if (code === 0) return stdout
    throw new ServiceError('not_ready', `docker ${args[0] ?? ''}: ${stderr.trim()}`)
  }

  /** The containers of a compose project, those that have ended too. */
  async containers(project: string, signal: AbortSignal): Promise<readonly Container[]> {
    const filter = `label=com.docker.compose.project=${project}`
    const ids = await this.read(['ps', '-aq', '--no-trunc', '--filter', filter], signal)
    if (ids.trim() === '') return []
    // One that went away in between is missing in what is printed, which is what it should be.
    const { stdout, stderr } = await this.ask(['inspect', ...ids.trim().split('\n')], signal)
    if (stdout.trim() === '')
      throw new ServiceError('not_ready', `docker inspect: ${stderr.trim()}`)
    return parseContainers(stdout)
  }

  /** Memory in use, by short container id. */
  async memory(
    containers: readonly Container[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, number>> {
    const running = containers.filter(({ state }) => state === 'running').map(({ id }) => id)
    if (running.length === 0) return new Map()
    const args = ['stats', '--no-stream', '--format', '{{json .}}', ...running]
    const { code, stdout } = await this.ask(args, signal)
    return code === 0 ? parseMemory(stdout) : new Map()
  }

  /** The last lines of its log, both streams, oldest first. */
  async lastLines(container: Container, count: number, signal: AbortSignal): Promise<string[]> {
    const args = ['logs', '--timestamps', '--tail', String(count), container.id]
    const { stdout, stderr } = await this.ask(args, signal)
    return inOrder(stdout, stderr)
  }

  async hasVolumes(project: string, signal: AbortSignal): Promise<boolean> {
    const filter = `label=com.docker.compose.project=${project}`
    return (await this.read(['volume', 'ls', '-q', '--filter', filter], signal)).trim() !== ''
  }

  async hasImage(image: string, signal: AbortSignal): Promise<boolean> {
    const { code } = await this.ask(['image', 'inspect', '--format', '{{.Id}}', image], signal)
    return code === 0
  }
}

/** Docker prints the two streams apart; its own timestamps bring them together, and are dropped. */
function inOrder(...streams: string[]): string[] {
  return streams
    .flatMap((stream) => stream.split('\n').filter((line) => line.trim() !== ''))
    .toSorted()
    .map((line) => line.replace(/^\S+ /, ''))
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

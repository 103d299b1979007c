import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { stripVTControlCharacters } from 'node:util'
import { ROOT } from '../support/given.ts'

/** What to type where the words since the last answer ask for something. */
export type Answer = (said: string) => string | undefined

export interface Ended {
  readonly code: number
  /** What stood on the screen, without colours. */
  readonly said: string
}

const END = /<ended with (?<code>\d+)>\r?\n/

/** A shell on a terminal, as an operator has one: programs that ask for a key ask here, and nothing stands in a command line. */
export class Terminal implements AsyncDisposable {
  readonly #shell: ChildProcessWithoutNullStreams
  #screen = ''
  #changed = Promise.withResolvers<void>()

  private constructor(shell: ChildProcessWithoutNullStreams) {
    this.#shell = shell
    for (const stream of [shell.stdout, shell.stderr])
      stream.on('data', (piece: Buffer) => {
        this.#screen += piece.toString()
        this.#wake()
      })
    shell.on('exit', () => this.#wake())
  }

  static async open(signal: AbortSignal): Promise<Terminal> {
    const bash = 'bash --noprofile --norc --noediting'
    const shell = spawn('script', ['--quiet', '--flush', '--command', bash, '/dev/null'], {
      cwd: ROOT,
      env: { ...process.env, HISTFILE: '' },
    })
    const terminal = new Terminal(shell)
    // What is typed, keys among it, stands on no screen, and no prompt stands before what is said.
    await terminal.run('stty -echo; PS1=', () => undefined, signal)
    return terminal
  }

  /** Runs one line to its end, whatever that is. */
  async run(line: string, answer: Answer, signal: AbortSignal): Promise<Ended> {
    this.#screen = ''
    this.#type(`${line}; printf '<ended with %d>\\n' $?`)
    let answeredAt = 0
    for (;;) {
      signal.throwIfAborted()
      const ended = END.exec(this.#screen)
      if (ended !== null)
        return {
          code: Number(ended.groups?.['code']),
          said: plain(this.#screen.slice(0, ended.index)),
        }
      if (this.#shell.exitCode !== null || this.#shell.signalCode !== null)
        throw new Error('the terminal was closed')
      const typed = answer(plain(this.#screen.slice(answeredAt)))
      if (typed !== undefined) {
        answeredAt = this.#screen.length
        this.#type(typed)
      }
      await this.#change(signal)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#shell.exitCode !== null || this.#shell.signalCode !== null) return
    // With it its terminal goes, and the shell and what runs in it are told so.
    this.#shell.kill('SIGKILL')
    await once(this.#shell, 'exit')
  }

  #type(line: string): void {
    this.#shell.stdin.write(`${line}\n`)
  }

  #wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers<void>()
  }

  async #change(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const stop = () => resolve()
    signal.addEventListener('abort', stop, { once: true })
    await Promise.race([this.#changed.promise, promise])
    signal.removeEventListener('abort', stop)
  }
}

function plain(screen: string): string {
  return stripVTControlCharacters(screen).replaceAll('\r', '')
}

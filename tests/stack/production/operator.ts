import { type DocumentedLine, documentedBlocks } from './documented.ts'
import { type Ended, Terminal } from './terminal.ts'

const PAGE = 'docs/stack.md'
const HEADING = 'Production: opening Vault'

/** The commands that the page gives an operator, as they stand there. */
export function documentedWork() {
  const blocks = documentedBlocks(PAGE, HEADING)
  const [, open, leave, comeBack] = blocks
  if (open === undefined || leave === undefined || comeBack === undefined || blocks.length > 4)
    throw new Error(`${PAGE} has ${blocks.length} blocks of commands, and not the four known here`)
  const line = (part: string) => {
    const found = blocks.flat().find(({ command }) => command.includes(part))
    if (found === undefined) throw new Error(`${PAGE} has no command with ${part}`)
    return found
  }
  return { open, leave, comeBack, line }
}

/**
 * Does what the page says, at a terminal: types the keys where they are asked for, and remembers what
 * is shown to an operator alone.
 */
export class Operator implements AsyncDisposable {
  readonly #terminal: Terminal
  #keys: readonly string[] = []
  #keysTyped = 0
  #rootToken = ''
  #ownToken = ''
  #otp = ''
  #encoded = ''

  private constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  static async sitDown(signal: AbortSignal): Promise<Operator> {
    return new Operator(await Terminal.open(signal))
  }

  /** The newest; it may be revoked. */
  get rootToken(): string {
    return this.#rootToken
  }

  /** All that nobody else may have. */
  get secrets(): readonly string[] {
    return [...this.#keys, this.#rootToken, this.#ownToken]
  }

  /** Types the lines, each as often as the page says. Throws where one ends with another code than 0. */
  async follow(lines: readonly DocumentedLine[], signal: AbortSignal): Promise<void> {
    for (const line of lines) {
      const times = line.remark.startsWith('twice') ? 2 : 1
      for (let time = 0; time < times; time += 1) await this.#type(line, signal)
    }
  }

  async #type({ command, remark }: DocumentedLine, signal: AbortSignal): Promise<void> {
    const unanswered = this.#answersTo(command, remark)
    const typed = command
      .replace('=OTP', `=${this.#otp}`)
      .replace(' ENCODED ', ` ${this.#encoded} `)
    const { code, said } = await this.#terminal.run(typed, unanswered, signal)
    if (code !== 0) throw new Error(`${command} ended with ${code}: ${this.#withoutSecrets(said)}`)
    this.#remember(command, { code, said })
  }

  #answersTo(command: string, remark: string): (said: string) => string | undefined {
    if (command.startsWith('read ')) {
      const token = remark.includes('root') ? this.#rootToken : this.#ownToken
      return once(() => token)
    }
    return (said) => (said.includes('(will be hidden)') ? this.#nextKey() : undefined)
  }

  /** Of three keys any two do. */
  #nextKey(): string {
    const key = this.#keys[this.#keysTyped % this.#keys.length]
    if (key === undefined) throw new Error('a key is asked for, and none was given out')
    this.#keysTyped += 1
    return key
  }

  #remember(command: string, { said }: Ended): void {
    const word = (pattern: RegExp) => {
      const found = pattern.exec(said)?.groups?.['word']
      if (found === undefined) throw new Error(`${command} has not said ${pattern.source}`)
      return found
    }
    if (command.includes('operator init')) {
      this.#keys = [...said.matchAll(/Unseal Key \d+: (?<word>\S+)/g)].map(
        ({ groups }) => groups?.['word'] ?? '',
      )
      this.#rootToken = word(/Root Token: (?<word>\S+)/)
    }
    if (command.includes('token create')) this.#ownToken = word(/^token +(?<word>\S+)$/m)
    if (command.endsWith('-init')) this.#otp = word(/^OTP +(?<word>\S+)$/m)
    if (command.endsWith('generate-root'))
      this.#encoded = /^Encoded Token +(?<word>\S+)$/m.exec(said)?.groups?.['word'] ?? ''
    if (command.includes('-decode')) this.#rootToken = word(/^(?<word>(?:s|hvs)\.\S+)$/m)
  }

  #withoutSecrets(said: string): string {
    return this.secrets
      .filter((secret) => secret !== '')
      .reduce((text, secret) => text.replaceAll(secret, '[secret]'), said)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#terminal[Symbol.asyncDispose]()
  }
}

function once(typed: () => string): () => string | undefined {
  let done = false
  return () => {
    if (done) return undefined
    done = true
    return typed()
  }
}

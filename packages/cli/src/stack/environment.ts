/** `NAME=VALUE` lines as .env and its sources have them; the last of a name wins. */
export function parseEnvironment(text: string): ReadonlyMap<string, string> {
  const variables = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const { name, value } = /^(?<name>[A-Za-z_]\w*)=(?<value>.*)$/.exec(line)?.groups ?? {}
    if (name !== undefined && value !== undefined) variables.set(name, value.trim())
  }
  return variables
}

/** What prepare.sh notes at the head of .env: the profile and the images file it was written with. */
export function notedIn(text: string, name: 'profile' | 'images'): string | undefined {
  const [head = ''] = text.split(/^# yours/m, 1)
  return new RegExp(`^# ${name}: (.+)$`, 'm').exec(head)?.[1]?.trim()
}

/** The settings of the stack as Compose sees them: the shell's variables win over .env. */
export class Settings {
  readonly #file: ReadonlyMap<string, string>
  readonly #shell: NodeJS.ProcessEnv

  constructor(file: ReadonlyMap<string, string>, shell: NodeJS.ProcessEnv) {
    this.#file = file
    this.#shell = shell
  }

  /** Undefined where it is missing or empty, as `${NAME:-default}` takes both alike. */
  get(name: string): string | undefined {
    const value = this.#shell[name] ?? this.#file.get(name)
    return value === '' ? undefined : value
  }

  list(name: string): string[] {
    return (this.get(name) ?? '').split(',').flatMap((part) => part.trim() || [])
  }

  /** Every image of the stack, by the variable that names it. */
  images(): { readonly variable: string; readonly image: string }[] {
    return [...this.#file.keys()].flatMap((variable) => {
      const image = variable.endsWith('_IMAGE') ? this.get(variable) : undefined
      return image === undefined ? [] : [{ variable, image }]
    })
  }
}

/** `${NAME}`, `${NAME:-default}`, `${NAME:?message}` of a compose file; `$$` is a dollar sign. */
const VARIABLE = /\$\$|\$\{(?<name>[A-Za-z_]\w*)(?:(?<kind>:?[-?])(?<rest>[^}]*))?\}/g

export interface Variable {
  readonly name: string
  /** Undefined where the file gives none. */
  readonly default: string | undefined
}

export function variablesIn(text: string): readonly Variable[] {
  return [...text.matchAll(VARIABLE)].flatMap(({ groups }) => {
    const { name, kind, rest } = groups ?? {}
    if (name === undefined) return []
    return { name, default: kind?.endsWith('-') === true ? rest : undefined }
  })
}

/** What compose makes of a text; a variable that has neither value nor default is empty. */
export function interpolated(text: string, values: NodeJS.Dict<string>): string {
  return text.replaceAll(VARIABLE, (whole, ...rest) => {
    if (whole === '$$') return '$'
    const { name = '', kind, rest: fallback = '' } = rest.at(-1) as NodeJS.Dict<string>
    const value = values[name]
    if (kind?.endsWith('-') !== true) return value ?? ''
    const unset = value === undefined || (kind === ':-' && value === '')
    return unset ? fallback : value
  })
}

/** A file of Alloy's language, as far as one can know it without Alloy. */
export interface AlloyFile {
  /** `loki.write.loki` for each component, as others refer to it. */
  readonly components: readonly string[]
  readonly faults: readonly string[]
}

/** Source of data: nobody has to refer to it. */
const SOURCES = ['loki.source.file']
const STRING = /`[^`]*`|"(?:[^"\\\n]|\\.)*"/g

/** Reads components and references; faults are unbalanced brackets, lost references, forgotten parts. */
export function readAlloy(text: string): AlloyFile {
  const code = text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('//'))
    .join('\n')
  const components = [...code.matchAll(/^([a-z]\w*(?:\.\w+)+) "(\w+)" \{$/gm)].map(
    ([, kind = '', label = '']) => `${kind}.${label}`,
  )
  const bare = code.replaceAll(STRING, '""')
  const referred = [...bare.matchAll(/\b([a-z]\w*(?:\.\w+)+)\.(?:receiver|targets)\b/g)].map(
    ([, component = '']) => component,
  )
  const lost = referred.filter((component) => !components.includes(component))
  const forgotten = components.filter(
    (component) =>
      !referred.includes(component) && !SOURCES.some((source) => component.startsWith(source)),
  )
  return {
    components,
    faults: [
      ...unbalanced(bare),
      ...lost.map((component) => `there is no ${component}`),
      ...forgotten.map((component) => `nobody sends to ${component}`),
    ],
  }
}

function unbalanced(code: string): readonly string[] {
  const pairs: Readonly<Record<string, string>> = { '}': '{', ')': '(', ']': '[' }
  const open: string[] = []
  for (const [line, text] of code.split('\n').entries())
    for (const sign of text) {
      if (Object.values(pairs).includes(sign)) open.push(sign)
      const wanted = pairs[sign]
      if (wanted !== undefined && open.pop() !== wanted)
        return [`line ${line + 1}: ${sign} closes nothing`]
    }
  return open.length === 0 ? [] : [`${open.length} brackets stay open`]
}

/** The keys of `values` in every stage of that name. */
export function stageValues(text: string, stage: string): readonly string[] {
  return [...text.matchAll(new RegExp(`stage\\.${stage} \\{\\s+values = \\{([^}]*)\\}`, 'g'))]
    .flatMap(([, body = '']) => [...body.matchAll(/(\w+)\s*=/g)].map(([, key = '']) => key))
    .toSorted()
}

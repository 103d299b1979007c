/** Takes secrets out of a line, as one of the log shippers does. */
export type Redact = (line: string) => string

interface Step {
  readonly pattern: RegExp
  readonly replace: (match: readonly string[], groups: readonly string[]) => string
}

/** Go's `(?i)` at the start of an expression is JavaScript's flag. */
function expression(source: string): RegExp {
  return source.startsWith('(?i)')
    ? new RegExp(source.slice('(?i)'.length), 'gi')
    : new RegExp(source, 'g')
}

/** Of Alloy's `stage.replace`: the one group of each expression is what is replaced. */
export function alloyRedaction(text: string): Redact {
  const stages = text.matchAll(
    /stage\.replace \{\s+expression = `([^`]*)`\s+replace\s+= (?:"([^"]*)"|`([^`]*)`)/g,
  )
  return inTurn(
    [...stages].map(([, source = '', quoted, raw]) => ({
      pattern: expression(source),
      replace: ([whole = ''], [group = '']) => {
        const at = whole.lastIndexOf(group)
        return `${whole.slice(0, at)}${quoted ?? raw ?? ''}${whole.slice(at + group.length)}`
      },
    })),
  )
}

/** Of the collector's `replace_pattern(log.body, …)`: the whole match is replaced, `$${1}` is its first group. */
export function collectorRedaction(text: string): Redact {
  const statements = text.matchAll(
    /replace_pattern\(log\.body, "((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"\)/g,
  )
  return inTurn(
    [...statements].map(([, source = '', replacement = '']) => ({
      pattern: expression(unquoted(source)),
      replace: (_match, [group = '']) => unquoted(replacement).replace(`$\${1}`, () => group),
    })),
  )
}

function unquoted(text: string): string {
  return text.replaceAll(/\\(.)/g, '$1')
}

function inTurn(steps: readonly Step[]): Redact {
  if (steps.length === 0) throw new Error('nothing is redacted')
  return (line) =>
    steps.reduce(
      (text, { pattern, replace }) =>
        text.replaceAll(pattern, (...found) => {
          const groups = found
            .slice(1)
            .filter((part) => typeof part === 'string')
            .slice(0, -1)
          return replace([String(found[0])], groups)
        }),
      line,
    )
}

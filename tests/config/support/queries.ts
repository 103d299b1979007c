import { parser as logql } from '@grafana/lezer-logql'
import type { SyntaxNode, Tree } from '@lezer/common'
import { parser as promql } from '@prometheus-io/lezer-promql'

/** What a query looks like once Grafana has put in its variables; the grammars know none. */
export function withoutVariables(query: string): string {
  return query
    .replaceAll(/\$__(?:rate_interval|interval|auto|range)/g, '5m')
    .replaceAll(/\$\{__\w+[^}]*\}/g, 'x')
    .replaceAll(/\$\{\w+(?::\w+)?\}|\$\w+/g, 'x')
}

/** What is wrong with a PromQL query: its syntax, or a metric that nobody makes. */
export function promqlFaults(query: string, known: ReadonlySet<string>): readonly string[] {
  const text = withoutVariables(query)
  const tree = promql.parse(text)
  const selectors = namesOf(tree, text, 'VectorSelector').map(
    (selector) => /^[A-Za-z_:][\w:]*/.exec(selector)?.[0] ?? selector,
  )
  const unknown = selectors.filter((name) => !known.has(name))
  return [...syntaxFaults(tree, text), ...unknown.map((name) => `nobody makes ${name}: ${query}`)]
}

/** What is wrong with a LogQL query: its syntax, or a stream label that the shippers do not set. */
export function logqlFaults(query: string, labels: readonly string[]): readonly string[] {
  const text = withoutVariables(query)
  const tree = logql.parse(text)
  const used = namesOf(tree, text, 'Matcher', 'Selector').map(
    (matcher) => /^\w+/.exec(matcher)?.[0] ?? matcher,
  )
  const unknown = used.filter((label) => !labels.includes(label))
  return [
    ...syntaxFaults(tree, text),
    ...(used.length === 0 ? [`no stream is selected: ${query}`] : []),
    ...unknown.map((label) => `no stream has the label ${label}: ${query}`),
  ]
}

function syntaxFaults(tree: Tree, text: string): readonly string[] {
  const faults: string[] = []
  tree.iterate({
    enter: ({ type, from }) => {
      if (type.isError) faults.push(`does not parse at ${from}: ${text}`)
    },
  })
  return faults
}

/** The text of every node of that name, only below a node of the other name where one is given. */
function namesOf(tree: Tree, text: string, node: string, below?: string): readonly string[] {
  const found: string[] = []
  tree.iterate({
    enter: ({ name, from, to, node: at }) => {
      if (name === node && (below === undefined || isBelow(at, below)))
        found.push(text.slice(from, to))
    },
  })
  return found
}

function isBelow(node: SyntaxNode, name: string): boolean {
  for (let above = node.parent; above !== null; above = above.parent)
    if (above.name === name) return true
  return false
}

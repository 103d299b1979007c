/**
 * A table as Python's `tabulate` prints it with `tablefmt="plain"`, which Feast uses: two more columns
 * than a head needs, a cell of several lines in as many lines of the table.
 */
export function tabulate(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell.split('\n')))
  const widths = heads.map((head, column) =>
    Math.max(head.length + 2, ...cells.flatMap((row) => (row[column] ?? []).map(lengthOf))),
  )
  const lines = cells.flatMap((row) => {
    const height = Math.max(...row.map((cell) => cell.length))
    return Array.from({ length: height }, (_, line) => row.map((cell) => cell[line] ?? ''))
  })
  return [heads, ...lines]
    .map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}

function lengthOf(text: string): number {
  return text.length
}

/** A text as Python's `repr` has it. */
function pythonText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const inner = text.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`)
  return `${quote}${inner}${quote}`
}

export function pythonSet(texts: readonly string[]): string {
  return `{${texts.map(pythonText).join(', ')}}`
}

export function pythonDictionary(pairs: Readonly<Record<string, string>>): string {
  const shown = Object.entries(pairs).map(([key, of]) => `${pythonText(key)}: ${pythonText(of)}`)
  return `{${shown.join(', ')}}`
}

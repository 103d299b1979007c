/** One column of a reply; numbers are `{number: text}`, because 1 and 1.0 are not the same answer. */
export interface Column {
  readonly name: string
  readonly values: readonly unknown[]
  readonly statuses: readonly string[]
  readonly event_timestamps: readonly string[]
}

/** The columns by name, as Feast's own order inside a view is that of a Python set. */
export function replyColumns(body: string): readonly Column[] {
  const { results, metadata } = JSON.parse(body, withNumberTexts) as {
    results: readonly Omit<Column, 'name'>[]
    metadata: { feature_names: readonly string[] }
  }
  if (results.length !== metadata.feature_names.length) throw new Error(`columns without a name`)
  return results
    .map((column, index) => ({ ...column, name: metadata.feature_names[index] as string }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

function withNumberTexts(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' ? { number: context?.source } : value
}

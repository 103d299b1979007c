/** One measured figure, and the bar it is held to where an issue sets one. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly bar?: { readonly kind: 'at_least' | 'at_most'; readonly value: number }
}

export function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.ceil(fraction * sorted.length) - 1] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

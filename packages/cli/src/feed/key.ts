/** The bearer token of a writer. */
export interface MaterializerKey {
  /** The newest that is known. */
  current(): string
  /** The materializer has refused it: resolves once whoever gives it out was asked for a newer one. Absent where nobody is. */
  readonly renew?: (signal: AbortSignal) => Promise<void>
}

/** One that stays as it is. */
export function fixedKey(key: string): MaterializerKey {
  return { current: () => key }
}

/** One thing the doctor looked at. */
export interface Check {
  readonly name: string
  /** `fail`: the stack cannot come up, or not whole. `warn`: it may, and somebody should know. */
  readonly verdict: 'ok' | 'warn' | 'fail'
  /** What is so, in words. */
  readonly says: string
  /** What to do; there where something is. */
  readonly fix?: string
}

export function failed(checks: readonly Check[]): readonly Check[] {
  return checks.filter(({ verdict }) => verdict === 'fail')
}

export function describeChecks(checks: readonly Check[]): string {
  const width = Math.max(0, ...checks.map(({ name }) => name.length))
  return checks
    .map(({ name, verdict, says, fix }) => {
      const line = `${verdict.padEnd(4)}  ${name.padEnd(width)}  ${says}\n`
      return fix === undefined ? line : `${line}${' '.repeat(width + 8)}→ ${fix}\n`
    })
    .join('')
}

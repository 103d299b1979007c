/** What `--help` shows under the options; each line is what stands behind `usdcop`. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  usdcop ${line}`).join('\n')}`
}

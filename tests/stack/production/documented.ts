import { readText } from '../support/given.ts'

export interface DocumentedLine {
  readonly command: string
  /** What the page says beside it. */
  readonly remark: string
}

/** The lines of each block of commands under a heading of a page. Throws where there is no such heading. */
export function documentedBlocks(
  page: string,
  heading: string,
): readonly (readonly DocumentedLine[])[] {
  const section = readText(page)
    .split(/^## /m)
    .find((one) => one.startsWith(`${heading}\n`))
  if (section === undefined) throw new Error(`${page} has no heading ${heading}`)
  return [...section.matchAll(/^```bash\n(?<lines>[\s\S]*?)^```$/gm)].map(({ groups }) =>
    (groups?.['lines'] ?? '').trim().split('\n').map(lineOf),
  )
}

function lineOf(line: string): DocumentedLine {
  const [command = '', remark = ''] = line.split(/\s+# /)
  return { command: command.trim(), remark: remark.trim() }
}

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Relative links and images in Markdown files that lead to no file, as `file: link` lines. */
export function deadLinks(root: string, files: readonly string[]): string[] {
  return files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '')
    return [...text.matchAll(/\]\((?<link>[^)\s]+)\)/g)]
      .map(({ groups }) => groups?.['link'] ?? '')
      .filter((link) => !/^(?:[a-z]+:|#)/.test(link))
      .filter((link) => !existsSync(join(root, dirname(file), link.split('#', 1)[0] ?? '')))
      .map((link) => `${file}: ${link} leads nowhere`)
  })
}

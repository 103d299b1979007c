import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8')

const page = read('docs/tracing.md')
const sources = globSync(['services/*/src/**/*.ts', 'packages/*/src/**/*.ts'], { cwd: root })
  .map(read)
  .join('\n')

const all = (text: string, pattern: RegExp): string[] =>
  [...new Set([...text.matchAll(pattern)].map(([, name = '']) => name))].sort()

test('docs/tracing.md lists the attributes that our code sets', () => {
  expect(all(page, /^\| `(usdcop\.[\w.]+)`/gm)).toEqual(all(sources, /'(usdcop\.[\w.]+)':/g))
})

test('docs/tracing.md shows the spans that our code makes around its own work', () => {
  const made = all(sources, /withSpan\(\s*'([^']+)'/g)
  expect(made).not.toEqual([])
  for (const name of made) expect(page).toMatch(new RegExp(`^(?:├─ |└─ )?${name} {2,}`, 'm'))
})

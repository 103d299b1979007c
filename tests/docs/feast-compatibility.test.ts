import { readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const isFile = (path: string): boolean =>
  statSync(new URL(`../../${path}`, import.meta.url), { throwIfNoEntry: false })?.isFile() === true

const page = read('docs/feast-compatibility.md')
const [legend = ''] = page.split('\n## ')

/** What the letters of the test columns stand for. */
const letters = new Map([['G', 'services/feature-server/test/feast.golden.test.ts'], ...lettered()])

function lettered(): [string, string][] {
  const groups = /([A-Z](?:, [A-Z])*) = (`[^`]+`(?:, `[^`]+`)*)(?: in `([^`]+)`)?/g
  let beside = ''
  return [...legend.matchAll(groups)].flatMap(([, names = '', files = '', folder]) => {
    const paths = files.replaceAll('`', '').split(', ')
    return names.split(', ').map((name, index): [string, string] => {
      const path = paths[index] ?? ''
      if (path.includes('/')) {
        beside = dirname(path)
        return [name, path]
      }
      const file = folder === undefined ? `${beside}/${path}` : `${folder}/${path}.interop`
      return [name, `${file}.test.ts`]
    })
  })
}

/** The rows of every table whose last column is the test. */
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (?:---|.*\| test \|$)/.test(line))
  .map((line) => {
    const cells = line.slice(2, -2).split(' | ')
    return { situation: cells[0] ?? '', tests: cells.at(-1) ?? '' }
  })

/** Where the names of a file's tests stand beside it: in data, or in what several files share. */
const names: Readonly<Record<string, readonly string[]>> = {
  'services/feature-server/test/feast.golden.test.ts': ['tests/golden/feast.json'],
  'tests/interop/parity.interop.test.ts': ['tests/interop/drop-in/differences.ts'],
}

/** What is wrong with one entry of a test column: `A, "fragment", "another"`. */
function faultsOf(situation: string, entry: string): string[] {
  const [, file = '', quoted = ''] = /^(`[^`]+`|[A-Z])((?:, "[^"]+")*)$/.exec(entry) ?? []
  const path = file.startsWith('`') ? file.slice(1, -1) : letters.get(file)
  if (path === undefined || !isFile(path)) return [`${situation}: no file is meant by ${entry}`]
  const texts = [path, ...(names[path] ?? [])].map(read)
  const fragments = [...quoted.matchAll(/"(?<fragment>[^"]+)"/g)].map(
    ({ groups }) => groups?.['fragment'] ?? '',
  )
  // These two files test by the page's own words.
  const byRow = fragments.length === 0 && (file === 'P' || file === 'D')
  return (byRow ? [situation] : fragments)
    .filter((fragment) => !texts.some((text) => text.includes(fragment)))
    .map((fragment) => `${situation}: ${path} has no "${fragment}"`)
}

test('docs/feast-compatibility.md names for each row a test that there is', () => {
  expect(rows.length).toBeGreaterThan(70)
  const faults = rows.flatMap(({ situation, tests }) =>
    tests.split('; ').flatMap((entry) => faultsOf(situation, entry)),
  )
  expect(faults).toEqual([])
})

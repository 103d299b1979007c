import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { STATUS } from '../src/errors.ts'

test('docs/errors.md lists every code with its status, and no other', () => {
  const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `(?<code>\w+)` \| (?<status>\d{3}) \|/gm)]
  const documented = rows.map(({ groups }) => [groups?.['code'], Number(groups?.['status'])])
  expect(Object.fromEntries(documented)).toEqual(STATUS)
})

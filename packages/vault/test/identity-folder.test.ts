import { chmod, mkdtemp, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createIdentityFolder } from '../src/identity-folder.ts'
import { Secret } from '../src/secret.ts'

const { signal } = new AbortController()

async function setUp() {
  const path = await mkdtemp(join(tmpdir(), 'usdcop-identity-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  const at = (name: string) => join(path, name)
  await writeFile(at('secrets-broker.role-id'), 'the-role\n')
  const folder = createIdentityFolder({ folder: path, role: 'secrets-broker' })
  return { path, at, folder }
}

test('a kept secret id is a file for its own user alone, whatever lay there before', async () => {
  const { at, folder } = await setUp()
  await writeFile(at('secret-id.new'), 'half', { mode: 0o644 })
  await folder.write('current', new Secret('first'))
  expect((await stat(at('secret-id'))).mode & 0o777).toBe(0o600)
  expect((await folder.read('current'))?.reveal()).toBe('first')
})

test('a wrapped secret id is shown before the kept one, is gone before it is opened, and takes its place', async () => {
  const { at, folder } = await setUp()
  await folder.write('current', new Secret('old'))
  await writeFile(at('secrets-broker.wrapped-secret-id'), 'wrapping\n', { mode: 0o640 })
  const credential = await folder.source(signal)
  if (credential.kind !== 'wrapped') throw new Error(`it shows ${credential.kind}`)
  expect([credential.roleId, credential.wrappingToken.reveal(), credential.creationPath]).toEqual([
    'the-role',
    'wrapping',
    'auth/approle/role/secrets-broker/secret-id',
  ])
  await credential.onOpening?.()
  expect(await folder.wrappedAt()).toBeUndefined()
  await credential.onOpened?.(new Secret('new'))
  const next = await folder.source(signal)
  expect(next.kind === 'approle' && next.secretId.reveal()).toBe('new')
  expect((await folder.read('retired'))?.reveal()).toBe('old')
})

test('one older than any wrapping is nobody’s: it is deleted unopened', async () => {
  const { at, folder } = await setUp()
  await folder.write('current', new Secret('kept'))
  const file = at('secrets-broker.wrapped-secret-id')
  await writeFile(file, 'wrapping', { mode: 0o640 })
  const old = new Date(Date.now() - 301_000)
  await utimes(file, old, old)
  expect((await folder.source(signal)).kind).toBe('approle')
  expect(await folder.wrappedAt()).toBeUndefined()
})

test('a refused secret id is deleted, and nothing that has taken its place meanwhile', async () => {
  const { folder } = await setUp()
  await folder.write('current', new Secret('first'))
  const first = await folder.source(signal)
  await folder.write('current', new Secret('second'))
  if (first.kind === 'approle') await first.onRefused?.()
  expect((await folder.read('current'))?.reveal()).toBe('second')
  const second = await folder.source(signal)
  if (second.kind === 'approle') await second.onRefused?.()
  await expect(folder.source(signal)).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining('holds no secret id'),
  })
})

test.for([
  ['a folder that others may write into', 0o777, '', 0, 'others may write into'],
  ['a secret id that its group may read', 0o700, 'secret-id', 0o640, 'secret-id is open'],
  ['a successor that others may read', 0o700, 'secret-id.next', 0o604, 'secret-id.next is open'],
  [
    'a wrapped secret id that others may read',
    0o770,
    'secrets-broker.wrapped-secret-id',
    0o644,
    'secrets-broker.wrapped-secret-id is open',
  ],
] as const)('refuses %s, and says which', async ([, folderMode, name, mode, says]) => {
  const { path, at, folder } = await setUp()
  await folder.check()
  await chmod(path, folderMode)
  if (name !== '') {
    await writeFile(at(name), 'marker')
    await chmod(at(name), mode)
  }
  const refused = folder.check()
  await expect(refused).rejects.toMatchObject({ code: 'config_invalid' })
  await expect(refused).rejects.toThrow(says)
  await expect(refused).rejects.toThrow(path)
  await expect(refused).rejects.not.toThrow('marker')
})

test('refuses a link in the place of a file, and a folder that is not there', async () => {
  const { at, folder } = await setUp()
  await symlink('/etc/hostname', at('secret-id'))
  await expect(folder.check()).rejects.toThrow('secret-id is no file')
  const nowhere = createIdentityFolder({ folder: at('nowhere'), role: 'secrets-broker' })
  await expect(nowhere.check()).rejects.toThrow(/nowhere cannot be used \(ENOENT\)/)
})

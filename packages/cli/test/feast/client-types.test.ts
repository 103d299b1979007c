import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { usdcop } from '../usdcop.ts'

const YAML = `project: shop
registry: data/registry.db
online_store: {type: lmdb, path: data/online}
`

const FEATURES = `export const definitions = {
  project: 'shop',
  entities: [{ name: 'customer', joinKey: 'id', valueType: 'INT64', tags: {} }],
  views: [
    {
      name: 'stats',
      entities: ['customer'],
      features: [{ name: 'rate', valueType: 'DOUBLE' }],
      ttlMs: 0,
      pushSource: undefined,
      tags: {},
    },
  ],
  services: [{ name: 'model', projections: [{ view: 'stats', features: ['rate'] }], tags: {} }],
  pushSources: [],
}
`

/** A repository whose registry has been applied. */
async function repository() {
  const directory = await mkdtemp(join(tmpdir(), 'usdcop-client-types-'))
  onTestFinished(async () => await rm(directory, { recursive: true }))
  await writeFile(join(directory, 'feature_store.yaml'), YAML)
  await writeFile(join(directory, 'features.ts'), FEATURES)
  const feast = async (...args: string[]) => await usdcop('feast', '-c', directory, ...args)
  expect(await feast('apply')).toMatchObject({ code: 0 })
  return { file: join(directory, 'client-types.ts'), feast }
}

test('writes what the registry holds, to standard output or a file', async () => {
  const { feast, file } = await repository()
  const told = await feast('client-types')
  expect(told).toMatchObject({ code: 0, stderr: '' })
  expect(await feast('client-types', '--out', file)).toEqual({
    code: 0,
    stderr: '',
    stdout: `${file} says what the registry holds of the project shop\n`,
  })
  expect(await readFile(file, 'utf8')).toBe(told.stdout)
  const module = (await import(pathToFileURL(file).href)) as { shopFeatures: unknown }
  expect(module.shopFeatures).toEqual({
    project: 'shop',
    views: {
      stats: {
        entities: { id: 'INT64' },
        features: { rate: 'DOUBLE' },
        timestampField: 'event_timestamp',
      },
    },
    services: { model: { entities: { id: 'INT64' }, features: { stats: { rate: 'DOUBLE' } } } },
    pushSources: {},
  })
})

test('checks a file, and writes nothing', async () => {
  const { feast, file } = await repository()
  const stale = `usdcop: ${file} does not say what the registry holds: run the same without --check\n`
  const missing = await feast('client-types', '--out', file, '--check')
  expect(missing).toEqual({ code: 1, stdout: '', stderr: stale })
  await feast('client-types', '--out', file)
  expect(await feast('client-types', '--out', file, '--check')).toMatchObject({ code: 0 })
  await writeFile(file, '// edited\n')
  expect(await feast('client-types', '--out', file, '--check')).toMatchObject({ stderr: stale })
  expect(await readFile(file, 'utf8')).toBe('// edited\n')
})

test('says what is off with a command line', async () => {
  const { feast } = await repository()
  const { code, stderr } = await feast('client-types', '--check')
  expect(code).toBe(2)
  expect(stderr).toContain('--check needs the --out that it checks')
  const help = await feast('client-types', '--help')
  expect(help.code).toBe(0)
  expect(help.stdout).toContain('--out <file>')
})

test('says that there is no registry', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'usdcop-client-types-'))
  onTestFinished(async () => await rm(directory, { recursive: true }))
  await writeFile(join(directory, 'feature_store.yaml'), YAML)
  const { code, stderr } = await usdcop('feast', '-c', directory, 'client-types')
  expect(code).toBe(1)
  expect(stderr).toMatch(/^usdcop: there is no registry at/)
})

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readDefinitions } from '../../src/feast/definitions-file.ts'

const DEFINITIONS =
  "{ project: 'shop', entities: [], views: [], services: [], pushSources: [], tags: {} }"

test('takes an object, or what a function makes of the environment', async () => {
  const fixed = await repository({ 'features.ts': `export const definitions = ${DEFINITIONS}` })
  expect(await readDefinitions(fixed, {})).toMatchObject({ project: 'shop', views: [] })
  const made = await repository({
    'features.ts': `export async function definitions(env: { readonly OWNER?: string }) {
      return { ...${DEFINITIONS}, owner: env.OWNER }
    }`,
  })
  expect(await readDefinitions(made, { OWNER: 'ann' })).toMatchObject({ owner: 'ann' })
})

test.for([
  {
    files: { 'features.ts': `export const views = []` },
    code: 'config_invalid',
    message: 'features.ts exports no `definitions`',
  },
  {
    files: { 'features.ts': 'export const definitions = { project: "shop" }' },
    code: 'config_invalid',
    message: 'features.ts exports no `definitions`',
  },
  {
    files: { 'features.ts': `export const definitions = ${DEFINITIONS.replace('shop', 'bank')}` },
    code: 'config_invalid',
    message: "features.ts defines the project 'bank', feature_store.yaml names 'shop'",
  },
  {
    files: { 'features.py': '' },
    code: 'not_supported',
    message: 'is defined in Python, which Feast itself applies',
  },
  { files: {}, code: 'config_invalid', message: 'has no features.ts: nothing to apply' },
])('refuses $message', async ({ files, code, message }) => {
  const error = await readDefinitions(await repository(files), {}).catch((thrown) => thrown)
  expect(error).toMatchObject({ code, message: expect.stringContaining(message) })
})

async function repository(files: Readonly<Record<string, string>>) {
  const directory = await mkdtemp(join(tmpdir(), 'usdcop-definitions-'))
  onTestFinished(async () => await rm(directory, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  return { directory, project: 'shop' }
}

import { fileURLToPath } from 'node:url'
import { runFeast } from '@usdcop/tests/support/feast-forks'
import { beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { z } from 'zod'
import { parseFeatureStoreYaml } from '../../src/config/feature-store-yaml.ts'

const Keys = z.object({
  sections: z.record(z.string(), z.array(z.string())),
  types: z.record(z.string(), z.array(z.string())),
})
let keys: z.output<typeof Keys>

beforeAll(async () => {
  const script = fileURLToPath(new URL('feast_config_keys.py', import.meta.url))
  const signal = AbortSignal.timeout(100_000)
  keys = Keys.parse(JSON.parse(await runFeast([script], signal)))
}, 110_000)

/** What is wrong with a repository that has this section; nothing where it is taken. */
function faultsOf(section: Readonly<Record<string, unknown>>): string {
  const text = stringify({ project: 'shop', registry: 'r.db', online_store: 'redis', ...section })
  try {
    parseFeatureStoreYaml(text, {}, '/repo')
    return ''
  } catch (error) {
    return String(error)
  }
}

test("knows every key of every section of Feast's that is served", () => {
  expect(Object.keys(keys.sections)).toHaveLength(17)
  for (const [name, ofSection] of Object.entries(keys.sections)) {
    const [path = '', type] = name.split(' ')
    const [outer = '', inner] = path.split('.')
    const nothing = Object.fromEntries(ofSection.map((key) => [key, null]))
    const typed = {
      ...nothing,
      ...(type && { [outer === 'registry' ? 'registry_type' : 'type']: type }),
    }
    const faults = faultsOf({ [outer]: inner === undefined ? typed : { [inner]: typed } })
    expect.soft(faults, name).not.toContain('Unrecognized')
  }
})

test("takes every type of an offline store and of a batch engine that is Feast's", () => {
  for (const name of ['offline_store', 'batch_engine'])
    for (const type of keys.types[name] ?? [])
      expect.soft(faultsOf({ [name]: type }), type).toBe('')
})

test("refuses every online store of Feast's but Redis by its name", () => {
  const others = (keys.types['online_store'] ?? []).filter((type) => type !== 'redis')
  expect(others).toContain('sqlite')
  for (const type of others) {
    const named = type.endsWith('OnlineStore') ? 'a class in Python' : `\`online_store: ${type}\``
    expect.soft(faultsOf({ online_store: { type } }), type).toContain(named)
  }
})

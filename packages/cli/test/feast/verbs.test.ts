import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLmdbStore } from '@usdcop/feast/stores/lmdb-store'
import { entityKey } from '@usdcop/feast/wire/entity-key'
import { expect, onTestFinished, test } from 'vitest'
import { usdcop } from '../usdcop.ts'

// Without a server: the online store is embedded. Beside real Feast: verbs.interop.test.ts.

const YAML = `project: shop
registry: data/registry.db
online_store: {type: lmdb, path: data/online}
`

const FEATURES = `export const definitions = {
  project: 'shop',
  entities: [
    { name: 'customer', joinKey: 'id', valueType: 'INT64', tags: { team: 'a', kind: 'person' } },
    { name: 'place', joinKey: 'place', valueType: 'STRING', tags: { team: 'a' } },
  ],
  views: [
    {
      name: 'stats',
      entities: ['customer'],
      features: [{ name: 'rate', valueType: 'DOUBLE' }, { name: 'note', valueType: 'STRING' }],
      ttlMs: 1000,
      pushSource: undefined,
      tags: { 'it is': 'yes' },
    },
  ],
  services: [{ name: 'model', projections: [{ view: 'stats', features: ['rate'] }], tags: {} }],
  pushSources: [],
}
`

async function repository() {
  const directory = await mkdtemp(join(tmpdir(), 'usdcop-feast-'))
  onTestFinished(async () => await rm(directory, { recursive: true }))
  await writeFile(join(directory, 'feature_store.yaml'), YAML)
  await writeFile(join(directory, 'features.ts'), FEATURES)
  return {
    directory,
    feast: async (...args: string[]) => await usdcop('feast', '-c', directory, ...args),
  }
}

const done = (stdout: string) => ({ code: 0, stderr: '', stdout })

test('plans, applies, lists and describes', async () => {
  const { feast } = await repository()
  const created = `Created project shop
Created entity customer
Created entity place
Created feature view stats
Created feature service model
`
  expect(await feast('plan')).toEqual(done(`${created}No changes to infrastructure\n`))
  expect(await feast('apply')).toEqual(done(`Applying changes for project shop\n${created}`))
  expect(await feast('apply', '--json')).toEqual(done('[]\n'))
  expect(await feast('entities', 'list', '--tags', 'team:a,kind:person')).toEqual(
    done('NAME      DESCRIPTION    TYPE\ncustomer                 ValueType.INT64\n'),
  )
  const views = JSON.parse((await feast('feature-views', 'list', '--json')).stdout)
  expect(views).toMatchObject([{ spec: { name: 'stats', ttl: '1s' } }])
  const described = await feast('feature-views', 'describe', 'stats')
  expect(described.stdout).toContain("  tags:\n    it is: 'yes'\n  ttl: 1s\n")
  expect(described.stdout).toMatch(/enabled: true\nstate: STATE_UNSPECIFIED\n\n$/)
  const dump = JSON.parse((await feast('registry-dump')).stdout)
  expect(Object.keys(dump)).toEqual(['entities', 'featureServices', 'featureViews', 'project'])
})

test('reads rows and tears down', async ({ signal }) => {
  const { directory, feast } = await repository()
  await feast('apply')
  const store = openLmdbStore(join(directory, 'data/online'), 'shop')
  const key = entityKey([['id', { type: 'INT64', value: 7n }]])
  const values = new Map([
    ['rate', { type: 'DOUBLE', value: 2 } as const],
    ['note', { type: 'STRING', value: 'señal' } as const],
  ])
  await store.write('stats', [{ entityKey: key, eventTimestamp: 1_000, values }], signal)
  await store.close()

  const asked = ['-e', 'id=7', '-e', 'id=8', '-f', 'stats:rate', '-f', 'stats:note']
  const { stdout } = await feast('get-online-features', ...asked)
  expect(stdout).toContain('2.0')
  expect(stdout).toContain('"se\\u00f1al"')
  expect(JSON.parse(stdout)).toEqual({ id: [7, 8], rate: [2, null], note: ['señal', null] })

  expect(await feast('teardown')).toEqual(
    done('Deleted the project shop: 1 entities and all its definitions\n'),
  )
  expect(await feast('feature-views', 'list')).toEqual(
    done('NAME    ENTITIES    TYPE    ENABLED    STATE\n'),
  )
})

test.for([
  { args: ['entities', 'list'], says: /there is no registry at .*: `apply` makes it/ },
  { args: ['teardown'], says: /there is no registry at .*: `apply` makes it/ },
  {
    args: ['materialize', '2026-01-02', '2026-01-01', '-v', 'stats'],
    says: /there is no registry at/,
  },
])('says what is missing: $args', async ({ args, says }) => {
  const { feast } = await repository()
  const { code, stderr } = await feast(...args)
  expect(code).toBe(1)
  expect(stderr).toMatch(says)
})

test('says where it looked for a repository', async () => {
  const { code, stderr } = await usdcop('feast', '-c', '/nowhere', 'entities', 'list')
  expect(code).toBe(1)
  expect(stderr).toContain('usdcop: /nowhere/feature_store.yaml cannot be read')
})

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { broken, type Fault } from './broken.ts'
import { COMPOSE_FILES } from './compose.ts'
import { IMAGES_FILES, PROFILES } from './environment.ts'
import { checkout } from './files.ts'
import { duplicateFindings } from './merged.ts'
import { parsers, readWith } from './parsers.ts'
import { prepare } from './prepared.ts'

const files = checkout()

/** Each of the four alone, every two, every three, and all: what stands first gives paths and name. */
const combinations = COMPOSE_FILES.reduce<readonly (readonly string[])[]>(
  (known, file) => [...known, ...known.map((some) => [...some, file])],
  [[]],
).filter((some) => some.length > 0)

/** Profiles and images only change values, so the combinations are tried with one of each. */
const environments = PROFILES.flatMap((profile) =>
  IMAGES_FILES.map((images) => ({
    profile,
    images,
    tried: profile === 'demo' && images === 'images.env' ? combinations : [COMPOSE_FILES],
  })),
)

for (const parser of parsers())
  describe.skipIf(parser.missing)(`by ${parser.name}`, () => {
    test.for(environments)(
      'reads $tried.length combinations of the files in the profile $profile with $images',
      async ({ profile, images, tried }, { signal }) => {
        await using prepared = await prepare(files, profile, images, signal)
        for (const some of tried) {
          const { code, said, model } = await readWith(parser, prepared.folder, some, signal)
          const where = some.join(' ')
          expect({ where, code, said }).toEqual({ where, code: 0, said: '' })
          expect({ where, twice: duplicateFindings(model) }).toEqual({ where, twice: [] })
        }
      },
    )

    test.for<Fault>([
      {
        in: 'docker-compose.yml',
        from: '    user: "70:70"\n',
        to: '    user: "70:70"\n    read_onyl: true\n',
        says: 'read_onyl',
      },
      {
        in: 'docker-compose.yml',
        from: '      redis: { condition: service_healthy }',
        to: '      valkey: { condition: service_healthy }',
        says: 'valkey',
      },
      {
        in: 'docker-compose.yml',
        from: '- materializer:/data',
        to: '- features:/data',
        says: 'features',
      },
      {
        in: 'images.env',
        from: 'REDIS_IMAGE=',
        to: 'VALKEY_IMAGE=',
        says: 'run scripts/stack/prepare.sh first',
      },
    ])('refuses files that name $says', async (fault, { signal }) => {
      await using prepared = await prepare(broken(files, fault), 'dev', 'images.env', signal)
      const { code, said } = await readWith(parser, prepared.folder, COMPOSE_FILES, signal)
      expect(code).not.toBe(0)
      expect(said).toContain(fault.says)
    })

    test('shows or refuses what two files bring twice', async ({ signal }) => {
      await using prepared = await prepare(files, 'dev', 'images.env', signal)
      await writeFile(
        join(prepared.folder, 'overlay.yml'),
        'services: { timescaledb: { tmpfs: ["/tmp:size=1m"] } }\n',
      )
      const some = ['docker-compose.yml', 'overlay.yml']
      const { code, said, model } = await readWith(parser, prepared.folder, some, signal)
      const found = code === 0 ? duplicateFindings(model).join() : said
      expect(found).toMatch(/timescaledb.*\/tmp (twice|already mounted)/)
    })
  })

test('every single file, pair, triple and all four are 15 combinations', () => {
  expect(new Set(combinations.map((some) => some.join())).size).toBe(15)
})

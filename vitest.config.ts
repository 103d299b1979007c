import { defineConfig } from 'vitest/config'

// A ring is a project; a file says its ring by its name. What each ring speaks to: CONTRIBUTING.md.
const places = ['packages/*/test', 'services/*/test', 'tests']
const ring = (suffix: string) => places.map((place) => `${place}/**/*.${suffix}.test.ts`)
const ringed = ['golden', 'service', 'interop', 'soak']

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: places.map((place) => `${place}/**/*.test.ts`),
          exclude: ['**/node_modules/**', ...ringed.flatMap(ring)],
        },
      },
      ...ringed.map((name) => ({
        test: {
          name,
          include: ring(name),
          exclude: ['**/node_modules/**'],
          testTimeout: name === 'soak' ? 1_800_000 : 120_000,
          hookTimeout: 120_000,
          fileParallelism: name !== 'soak',
        },
      })),
    ],
  },
})

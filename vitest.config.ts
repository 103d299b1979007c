import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { absentTests } from './tests/stack/absent.ts'
import { stackEnvironment } from './tests/stack/support/given.ts'

// A ring is a project; a file says its ring by its name. What each ring speaks to: CONTRIBUTING.md.
const places = ['packages/*/test', 'services/*/test', 'tests']
const ring = (suffix: string) => places.map((place) => `${place}/**/*.${suffix}.test.ts`)
const ringed = ['golden', 'service', 'interop', 'stack', 'production', 'soak']
// They speak to something that there is once: a machine's two cores, the one stack.
const oneFileAtATime = ['stack', 'production', 'soak']

const SETUPS: Readonly<Record<string, string[]>> = {
  stack: ['tests/stack/support/global-setup.ts'],
  production: ['tests/stack/support/global-setup.ts'],
  interop: ['tests/support/feast-forks-setup.ts'],
}

/** Restarts come last: whatever else is asked of the stack is asked while it is at rest. */
class RestartsLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const restarts = (file: TestSpecification) => Number(file.moduleId.includes('restarts.stack'))
    return (await super.sort(files)).toSorted((a, b) => restarts(a) - restarts(b))
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: RestartsLast },
    // Vitest leaves a core idle; the tests wait for servers more than they compute.
    maxWorkers: '100%',
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
          exclude: [
            '**/node_modules/**',
            ...absentTests({ ...stackEnvironment(), ...process.env }),
          ],
          globalSetup: SETUPS[name] ?? [],
          testTimeout: name === 'soak' ? 1_800_000 : 120_000,
          hookTimeout: 120_000,
          fileParallelism: !oneFileAtATime.includes(name),
        },
      })),
    ],
  },
})

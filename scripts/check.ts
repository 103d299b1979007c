// `npm run check`: types, lint, format, dead links and the house rules a machine can check.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { deadLinks } from './dead-links.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const LONGEST_SOURCE_LINES = 400

const steps: { name: string; passes: () => boolean }[] = process.argv.includes('--fix')
  ? [
      { name: 'lint --fix', passes: () => runs('oxlint', '--type-aware', '--fix') },
      { name: 'format', passes: () => runs('biome', 'check', '--write') },
    ]
  : [
      { name: 'types', passes: () => runs('tsc', '-p', 'tsconfig.json') },
      {
        name: 'types of the console',
        passes: () => runs('tsc', '-p', 'services/inference-gateway/console/tsconfig.json'),
      },
      { name: 'lint', passes: () => runs('oxlint', '--type-aware', '--deny-warnings') },
      { name: 'format', passes: () => runs('biome', 'ci', '--colors=off') },
      { name: 'links', passes: () => none(deadLinks(root, tracked('*.md'))) },
      { name: 'file lengths', passes: () => none(longFiles()) },
    ]

if (process.argv.includes('--help')) {
  process.stdout.write(
    'usage: npm run check   checks everything\n       npm run fix     mends what can be mended\n',
  )
} else {
  const failed = steps.filter(({ name, passes }) => {
    const passed = passes()
    console.log(`${passed ? 'ok    ' : 'FAILED'} ${name}`)
    return !passed
  })
  process.exitCode = failed.length === 0 ? 0 : 1
}

function runs(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status === 0
}

function none(faults: readonly string[]): boolean {
  for (const fault of faults) console.log(fault)
  return faults.length === 0
}

function tracked(pattern: string): string[] {
  const { stdout } = spawnSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', pattern],
    {
      cwd: root,
      encoding: 'utf8',
    },
  )
  return stdout.split('\n').filter((file) => file !== '')
}

/** A file that outgrew a few screens has more than one job. */
function longFiles(): string[] {
  return tracked('*.ts')
    .concat(tracked('*.js'), tracked('*.mjs'))
    .map((file) => ({ file, lines: readFileSync(`${root}${file}`, 'utf8').split('\n').length - 1 }))
    .filter(({ lines }) => lines >= LONGEST_SOURCE_LINES)
    .map(({ file, lines }) => `${file}: ${lines} lines; split it by responsibility`)
}

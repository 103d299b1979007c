// `npm test`: every ring this machine can run, then a table of what ran and what did not.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chooseRings, missingFor, RINGS, type Ring } from './rings.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly success: boolean
}

interface Outcome {
  readonly ring: string
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly seconds: number
  readonly missing: readonly string[]
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    soak: { type: 'boolean', default: false },
    ring: { type: 'string', multiple: true },
    without: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (values.help) {
  process.stdout.write(`usage: npm test -- [--ring NAME ...] [--without NAME ...] [--soak] [FILE ...]

  --ring NAME      run this ring alone; may be given more than once
  --without NAME   run all but this ring; may be given more than once
  --soak           run the long repetitions instead
  FILE             run the test files whose path holds this text

The rings are ${RINGS.map(({ name }) => name).join(', ')}; all but the last two run unless you say otherwise.
A ring whose servers are missing is named with the way to get them; with CI=true that is a failure.
`)
  process.exit(0)
}

const outcomes = wantedRings().map(runRing)
report(outcomes)

function wantedRings(): readonly Ring[] {
  try {
    const only = values.soak ? ['soak'] : values.ring
    return chooseRings({ only, without: values.without })
  } catch (error) {
    process.stderr.write(`npm test: ${(error as Error).message}\n`)
    process.exit(2)
  }
}

function runRing(ring: Ring): Outcome {
  const missing = missingFor(ring)
  const startedAt = performance.now()
  const folder = mkdtempSync(join(tmpdir(), 'usdcop-test-'))
  const file = join(folder, 'report.json')
  const blocked = missing.length > 0
  if (!blocked) {
    const args = ['run', '--project', ring.name, '--reporter=default', '--reporter=json']
    spawnSync(
      'vitest',
      [...args, `--outputFile.json=${file}`, '--passWithNoTests', ...positionals],
      {
        cwd: root,
        stdio: 'inherit',
      },
    )
  }
  const counts = readReport(file)
  rmSync(folder, { recursive: true })
  const seconds = (performance.now() - startedAt) / 1_000
  if (blocked) return { ring: ring.name, passed: 0, failed: 0, skipped: 0, seconds, missing }
  // No report means the runner itself fell over; that must never read as a pass.
  if (counts === undefined)
    return { ring: ring.name, passed: 0, failed: 1, skipped: 0, seconds, missing }
  const { numPassedTests, numFailedTests, numPendingTests, success } = counts
  const failed = success ? numFailedTests : Math.max(1, numFailedTests)
  return {
    ring: ring.name,
    passed: numPassedTests,
    failed,
    skipped: numPendingTests,
    seconds,
    missing,
  }
}

function readReport(file: string): Report | undefined {
  if (!existsSync(file)) return undefined
  return JSON.parse(readFileSync(file, 'utf8')) as Report
}

function report(outcomes: readonly Outcome[]): void {
  const rows = outcomes.map(({ ring, passed, failed, skipped, seconds, missing }) => ({
    ring,
    passed,
    failed,
    skipped,
    seconds: Number(seconds.toFixed(1)),
    'did not run': missing.length > 0 ? 'yes' : '',
  }))
  console.table(rows)
  for (const { ring, missing } of outcomes)
    for (const what of missing) console.log(`${ring} did not run: ${what}`)

  const sum = (of: (outcome: Outcome) => number) =>
    outcomes.reduce((total, one) => total + of(one), 0)
  const strict = process.env['CI'] === 'true'
  const notRun = sum(({ missing }) => missing.length) + sum(({ skipped }) => skipped)
  const failed = sum((one) => one.failed) + (strict ? notRun : 0)
  if (strict && notRun > 0) console.log(`with CI=true what did not run has failed: ${notRun}`)
  console.log(`${sum(({ passed }) => passed)} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}

// `npm test`: every ring this machine can run, then a table of what ran and what did not.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { missingFor, RINGS, type Ring } from './rings.ts'

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
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (values.help) {
  process.stdout.write(`usage: npm test -- [--ring NAME ...] [--soak] [FILE ...]

Runs the rings ${RINGS.map(({ name }) => name).join(', ')}; --soak runs the long repetitions instead.
A ring whose servers are missing is named with the way to get them; with CI=true that is a failure.
`)
  process.exit(0)
}

const wanted = values.soak
  ? RINGS.filter(({ name }) => name === 'soak')
  : RINGS.filter(({ name }) =>
      (values.ring ?? ['unit', 'golden', 'service', 'interop']).includes(name),
    )

const outcomes = wanted.map(runRing)
report(outcomes)

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

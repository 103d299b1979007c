import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const here = fileURLToPath(new URL('.', import.meta.url))

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'ignored_auth',
]

export interface SchemathesisReport {
  readonly complete: boolean
  readonly exit_code: number
  readonly test_cases: { readonly generated: number }
  readonly operations: { readonly total: number; readonly tested: number }
  readonly failures: readonly unknown[]
  readonly errors: readonly unknown[]
  /** By operation and phase: how many of the cases that the schema allows were answered with 2xx. */
  readonly valid_rates: Readonly<
    Record<string, Readonly<Record<string, { readonly accepted: number }>>>
  >
}

/** The program of the interop ring: `USDCOP_SCHEMATHESIS`, else the repository's own environment. */
export function schemathesisProgram(): string {
  return process.env['USDCOP_SCHEMATHESIS'] ?? `${root}.venv-schemathesis/bin/schemathesis`
}

/** Holds a server to its own description: at most so many random cases an operation, beside the systematic ones. */
export async function runSchemathesis(
  url: string,
  token: string,
  options: { readonly examples: number; readonly seed: number },
  signal: AbortSignal,
): Promise<SchemathesisReport> {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-schemathesis-'))
  const report = join(folder, 'report.json')
  const args = [
    '--config-file',
    join(here, 'schemathesis.toml'),
    'run',
    `${url}/openapi.json`,
    '--header',
    `Authorization: Bearer ${token}`,
    '--checks',
    CHECKS.join(','),
    '--phases',
    'examples,coverage,fuzzing',
    '--continue-on-failure',
    '--no-shrink',
    '--max-examples',
    String(options.examples),
    '--seed',
    String(options.seed),
    '--report',
    'json',
    '--report-json-path',
    report,
  ]
  const env = {
    ...process.env,
    SCHEMATHESIS_HOOKS: 'schemathesis_hooks',
    PYTHONPATH: here,
    PYTHONDONTWRITEBYTECODE: '1',
  }
  try {
    const said = await runToEnd(schemathesisProgram(), args, { cwd: folder, env, signal })
    return JSON.parse(await readFile(report, 'utf8').catch(() => Promise.reject(new Error(said))))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What a program said; that it found something, and so exits with 1, is for its report to tell. */
function runToEnd(
  program: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  execFile(program, args, { ...options, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
    if (error !== null && typeof error.code !== 'number') reject(error)
    else resolve(stdout + stderr)
  })
  return promise
}

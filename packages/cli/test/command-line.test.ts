import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { usdcop } from './usdcop.ts'

test.for([
  { args: [], says: ['start', 'replay', 'features', 'feed', 'contract', 'Exit codes: 0 done'] },
  { args: ['start'], says: ['--data-dir', '--fresh', '--speed', '--exit', 'env: REPLAY_SPEED'] },
  { args: ['replay'], says: ['--bars', '--macro', '--from', '--to', '--json'] },
  { args: ['features'], says: ['--bars', '--macro', '--out', '--normalised', '--symbol'] },
  {
    args: ['feed'],
    says: [
      '--to',
      'MATERIALIZER_URL',
      '--key-file',
      '--key-secret',
      '--history-sessions',
      '--once',
      'CLOCK_SPEED',
    ],
  },
  { args: ['contract'], says: ['show', 'hash'] },
  { args: ['stack'], says: ['up', 'down', 'status', 'logs', 'doctor'] },
  {
    args: ['stack', 'up'],
    says: ['--profile', '--images', '--without', '--no-build', '--timeout', 'USDCOP_COMPOSE'],
  },
  { args: ['stack', 'down'], says: ['-v, --volumes', '--dir'] },
  { args: ['stack', 'status'], says: ['--json'] },
  { args: ['stack', 'logs'], says: ['--follow', '--tail'] },
  { args: ['stack', 'doctor'], says: ['--json', '--without'] },
  {
    args: ['feast'],
    says: ['--chdir', 'FEATURE_REPO_DIR_ENV_VAR', 'apply', 'materialize-incremental', 'teardown'],
  },
  { args: ['feast', 'materialize'], says: ['--views', '--disable-event-timestamp', '--json'] },
  { args: ['feast', 'serve'], says: ['-h, --host', '-p, --port', '-w, --workers', '6566'] },
  { args: ['feast', 'get-online-features'], says: ['--entities', '--features'] },
  { args: ['feast', 'entities'], says: ['list', 'describe'] },
  { args: ['feast', 'feature-views', 'list'], says: ['--tags', '--json'] },
  { args: ['secrets'], says: ['callers', 'rotate', 'revoke', 'restore', 'flush'] },
  {
    args: ['secrets', 'rotate'],
    says: ['redis, or the name', '--key-file', 'SECRETS_BROKER_ADMIN_URL', '--json'],
  },
  { args: ['contract', 'show'], says: ['--contract', '--json'] },
  { args: ['contract', 'hash'], says: ['--contract', '--json'] },
])('explains itself: usdcop $args --help', async ({ args, says }) => {
  const { code, stdout, stderr } = await usdcop(...args, '--help')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain(`Usage: ${['usdcop', ...args].join(' ')} [options]`)
  for (const word of says) expect(stdout).toContain(word)
})

test.for([
  [],
  ['start'],
  ['replay'],
  ['features'],
  ['feed'],
  ['contract'],
  ['stack'],
  ['secrets'],
  ['feast'],
])('shows examples that are taken as they stand: usdcop %j --help', async (args) => {
  const { stdout } = await usdcop(...args, '--help')
  const lines = Array.from(stdout.matchAll(/^ {2}usdcop (.+)$/gm), ([, line = '']) => line)
  expect(lines).not.toEqual([])
  for (const line of lines) {
    // What is refused is then this option alone, and nothing of the example is done.
    const { code, stderr } = await usdcop(...line.split(' '), '--of-nobody')
    expect({ line, code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: unknown option '--of-nobody'/),
    })
  }
})

test.for([
  { args: ['begin'], says: "unknown command 'begin'" },
  { args: ['start', '--quick'], says: "unknown option '--quick'" },
  { args: ['start', '--speed', '0'], says: 'a number of sessions a minute above 0, or `max`' },
  {
    args: ['stack', 'up', '--profile', 'staging'],
    says: 'Allowed choices are dev, demo, production',
  },
  { args: ['stack', 'up', '--timeout', '0'], says: 'a number of seconds above 0' },
  { args: ['feast', 'begin'], says: "unknown command 'begin'" },
  { args: ['secrets', 'callers'], says: "required option '--key-file <file>'" },
  { args: ['secrets', 'rotate', '--key-file', 'x'], says: "missing required argument 'what'" },
  {
    args: ['secrets', 'callers', '--key-file', 'x', '--to', 'http://a:hunter2@b'],
    says: 'no user or password here',
  },
  { args: ['feast', 'materialize', '2026-01-01'], says: 'START and END are required' },
  { args: ['feast', 'materialize', '1 May', '2 May'], says: 'an ISO 8601 instant is expected' },
  {
    args: ['feast', 'materialize', '2026-01-01', '2026-01-02', '--disable-event-timestamp'],
    says: 'takes no START and END',
  },
  { args: ['feast', 'materialize-incremental'], says: "missing required argument 'end'" },
  { args: ['feast', 'materialize-incremental', '2026-01-01', '--version', 'x'], says: 'as v2' },
  { args: ['feast', 'serve', '-p', '70000'], says: 'a port is expected' },
  { args: ['feast', 'serve', '-w', '0'], says: 'a number from 1 to 64, or -1, is expected' },
  { args: ['feast', 'serve', '-t', 'grpc'], says: 'Allowed choices are http' },
  { args: ['feast', 'get-online-features', '-e', 'a=1'], says: "required option '-f, --features" },
  {
    args: ['feast', 'get-online-features', '-f', 'v:f', '-e', 'a=b=c'],
    says: 'key=value is expected',
  },
  { args: ['contract', 'hash', '--short'], says: "unknown option '--short'" },
  { args: ['replay', '--from', '2025-02-30'], says: 'a date as YYYY-MM-DD is expected' },
  { args: ['features', '--bars', 'b.csv'], says: "required option '--macro <file>'" },
  {
    args: ['features', '--bars', 'b.csv', '--macro', 'm.csv', '--out', 'rows.txt'],
    says: 'a file that ends in .csv or .parquet is expected',
  },
  { args: ['feed'], says: "'--key-file <file>' or '--key-secret <path>' is needed" },
  { args: ['feed', '--key-file', 'k', '--history-sessions', '-1'], says: 'a whole number' },
  { args: ['feed', '--key-file', 'k', '--to', 'ftp://here'], says: 'an http or https URL' },
  { args: ['feed', '--key-file', 'k', '--to', 'http://u:p@here'], says: 'no user or password' },
])('refuses a command line that is off with 2: usdcop $args', async ({ args, says }) => {
  const { code, stdout, stderr } = await usdcop(...args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(says)
  expect(stderr).toContain('(--help shows every option)')
})

test('names a data directory that cannot be one', async () => {
  const file = fileURLToPath(import.meta.url)
  const { code, stderr } = await usdcop('start', '--data-dir', file)
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `usdcop: --data-dir ${file} cannot be written into: EEXIST: file already exists, mkdir '${file}'\n`,
  })
})

import { runCommand } from './program.ts'

const interrupted = new AbortController()
// Once: a second Ctrl-C ends this process, and with it what it started.
process.once('SIGINT', () => interrupted.abort())

process.exitCode = await runCommand(process.argv.slice(2), {
  env: process.env,
  signal: interrupted.signal,
  stdout: process.stdout,
  stderr: process.stderr,
})

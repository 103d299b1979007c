import { exitCodeOf, explain } from './faults.ts'
import { buildProgram } from './program.ts'

const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())

try {
  await buildProgram({
    env: process.env,
    signal: interrupted.signal,
    stdout: process.stdout,
    stderr: process.stderr,
  }).parseAsync()
} catch (error) {
  const text = explain(error)
  if (text !== '') process.stderr.write(`usdcop: ${text}\n`)
  process.exitCode = exitCodeOf(error)
}

import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { runCommand } from '../src/program.ts'

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs one command line in this process and collects what it says. */
export async function usdcop(...args: string[]): Promise<Ran> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const said = Promise.all([text(stdout), text(stderr)])
  const signal = AbortSignal.timeout(30_000)
  const code = await runCommand(args, { env: process.env, signal, stdout, stderr })
  stdout.end()
  stderr.end()
  const [out, err] = await said
  return { code, stdout: out, stderr: err }
}

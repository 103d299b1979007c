import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StartReport } from '@usdcop/service/start-report'
import type { RunningPlatform } from '@usdcop/tests/support/all-in-one'
import { writeShortHistory } from '@usdcop/tests/support/short-history'

/** A folder with a few weeks of bars, gone with its test, and the environment of a short replay. */
export async function shortReplay(signal: AbortSignal) {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-all-in-one-'))
  return {
    folder,
    dataDirectory: join(folder, 'state'),
    env: { BARS_FILE: await writeShortHistory(folder, signal), REPLAY_FROM: '2025-06-27' },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

/** What kept a platform from starting or going on; rejects when it ends without a word. */
export async function failureOf({ child, ended }: RunningPlatform) {
  const { promise, resolve, reject } = Promise.withResolvers<{ code: string; message: string }>()
  child.on('message', (report: StartReport) => {
    if (report.kind === 'failed') resolve({ code: report.code, message: report.message })
  })
  void ended.then((status) => reject(new Error(`it ended with ${status} and did not say why`)))
  const failure = await promise
  return { ...failure, status: await ended }
}

/** Asks it to end, and gives it as long as an operator would. */
export async function stop({ child, ended }: RunningPlatform) {
  child.kill('SIGTERM')
  const { promise: late, resolve } = Promise.withResolvers<string>()
  const timer = setTimeout(() => resolve('still up after 5 s'), 5_000)
  try {
    return await Promise.race([ended, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Posts JSON, with a key where one is given, and reads the answer as JSON. */
export async function post(url: string, body: object, key?: string) {
  const reply = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify(body),
  })
  return { status: reply.status, body: await reply.json() }
}

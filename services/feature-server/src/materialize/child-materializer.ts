import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { constants, setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Materializer } from '@usdcop/feast/registry/materialization'
import { channelToChild } from './channel.ts'
import { createRemoteMaterializer } from './remote-materializer.ts'

export interface ChildMaterializer extends Materializer {
  /** Ends the child, whatever it is doing; the signals of runs are the way to end those. */
  stop(): Promise<void>
}

interface Child {
  readonly materializer: Materializer
  readonly process: ChildProcess
  readonly ended: Promise<void>
  runs: number
}

const END_LIMIT_MS = 2_000

/**
 * Materializes in a process of its own, so that reading history and writing rows never hold up the
 * event loop that serves. There is one while there are runs, so that it alone knows which views are
 * busy, and it yields the processor to everybody else.
 * @param program a module that answers runs on its channel and ends when that closes
 */
export function createChildMaterializer(
  program: string,
  env: NodeJS.ProcessEnv,
): ChildMaterializer {
  let current: Child | undefined
  const all = new Set<Child>()

  function start(): Child {
    // What a killed process leaves of DuckDB's spilled rows goes with this folder.
    const folder = mkdtempSync(join(tmpdir(), 'usdcop-materializer-'))
    const forked = fork(program, {
      env: { ...env, TMPDIR: folder },
      // A flag of this process's, such as a port to debug on, is not meant for another.
      execArgv: [],
    })
    if (forked.pid !== undefined) setPriority(forked.pid, constants.priority.PRIORITY_LOW)
    const ended = once(forked, 'exit').then(async () => {
      leave(child)
      all.delete(child)
      await rm(folder, { recursive: true, force: true })
    })
    const materializer = createRemoteMaterializer(channelToChild(forked))
    const child: Child = { materializer, process: forked, ended, runs: 0 }
    all.add(child)
    return child
  }

  function leave(child: Child): void {
    if (current === child) current = undefined
  }

  return {
    async run(job, signal, onProgress) {
      signal.throwIfAborted()
      const child = (current ??= start())
      child.runs += 1
      try {
        return await child.materializer.run(job, signal, onProgress)
      } finally {
        child.runs -= 1
        if (child.runs === 0) {
          leave(child)
          await end(child)
        }
      }
    },
    async stop() {
      await Promise.all([...all].map(end))
    },
  }
}

async function end({ process: child, ended }: Child): Promise<void> {
  if (child.connected) child.disconnect()
  const late = setTimeout(() => child.kill('SIGKILL'), END_LIMIT_MS)
  await ended
  clearTimeout(late)
}

import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'

const LOAD = '0'
const LOADED = '1'

/**
 * Gives the load, which is this process, one processor and the servers another, until it is disposed of: a server that is woken
 * on the processor of a busy load waits for it, and that wait would be measured. Threads that collect or compile beside a
 * server's own stay free.
 * @param servers process ids
 * @returns whether it could: there may be one processor, or no `taskset`
 */
export async function keepApart(
  servers: readonly number[],
): Promise<AsyncDisposable & { readonly apart: boolean }> {
  // Asked before the load is on one of them: it counts those that this process may use.
  const all = `0-${availableParallelism() - 1}`
  const apart = all !== '0-0' && (await pin(process.pid, LOAD))
  if (apart) for (const server of servers) await pin(server, LOADED)
  return {
    apart,
    async [Symbol.asyncDispose]() {
      if (apart) for (const pid of [process.pid, ...servers]) await pin(pid, all)
    },
  }
}

async function pin(pid: number, to: string): Promise<boolean> {
  try {
    await promisify(execFile)('taskset', ['--cpu-list', '--pid', to, String(pid)])
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

import { readdir, readFile } from 'node:fs/promises'

/** Microseconds for which all threads of a process have been on a processor; NaN where the system does not tell. */
export async function cpuMicrosOf(pid: number): Promise<number> {
  try {
    const threads = await readdir(`/proc/${pid}/task`)
    const spent = threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8'))
    const nanos = (await Promise.all(spent)).map((text) => Number(text.split(' ')[0]))
    return nanos.reduce((sum, one) => sum + one, 0) / 1_000
  } catch {
    return Number.NaN
  }
}

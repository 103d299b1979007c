import { Presets, SingleBar } from 'cli-progress'
import type { Output } from './world.ts'

export interface Progress {
  /** @param note what is being done now, behind the bar */
  update(done: number, total: number, note: string): void
  stop(): void
}

/** A bar on a terminal, and silence where standard error goes to a file. */
export function createProgress(stream: Output, unit: string): Progress {
  if (!stream.isTTY) return { update: () => {}, stop: () => {} }
  const bar = new SingleBar(
    {
      format: `  {bar}  {value}/{total} ${unit}  {note}`,
      stream,
      hideCursor: true,
      barsize: 30,
      fps: 15,
      // Ctrl-C has a reader already, who stops the bar.
      gracefulExit: false,
    },
    Presets.shades_classic,
  )
  let started = false
  return {
    update(done, total, note) {
      if (!started) bar.start(total, done, { note })
      else bar.update(done, { note })
      started = true
    },
    stop() {
      if (started) bar.stop()
      started = false
    },
  }
}

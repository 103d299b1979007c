import { Presets, SingleBar } from 'cli-progress'

export interface Progress {
  update(done: number, total: number): void
  stop(): void
}

/** A bar on a terminal, and silence where standard error goes to a file. */
export function createProgress(stream: NodeJS.WriteStream, label: string, unit: string): Progress {
  if (!stream.isTTY) return { update: () => {}, stop: () => {} }
  const bar = new SingleBar(
    {
      format: `${label} {bar} {value}/{total} ${unit}`,
      stream,
      hideCursor: true,
      barsize: 30,
      clearOnComplete: false,
      fps: 15,
    },
    Presets.shades_classic,
  )
  let started = false
  return {
    update(done, total) {
      if (!started) bar.start(total, done)
      else bar.update(done)
      started = true
    },
    stop() {
      if (started) bar.stop()
    },
  }
}

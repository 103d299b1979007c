import type { ReadyReport, StartReport } from '@usdcop/service/start-report'
import { createProgress } from './progress.ts'
import { describeSummary } from './summary.ts'
import type { Output } from './world.ts'

/** Tells a person what the platform is doing, from its reports. */
export interface Teller {
  starting(dataDirectory: string): void
  report(report: StartReport): void
  stopping(): void
  /** Gives the terminal back. */
  close(): void
}

export interface TellerOptions {
  readonly stdout: Output
  readonly stderr: Output
  readonly logFile: string
  /** As it was asked for: sessions a minute, or `max`. */
  readonly speed: string
  /** The platform ends with the replay. */
  readonly exit: boolean
}

export function createTeller({ stdout, stderr, logFile, speed, exit }: TellerOptions): Teller {
  const replay = createProgress(stderr, 'sessions')
  let stopping = false
  return {
    starting(dataDirectory) {
      stdout.write(`Starting the platform in ${dataDirectory} ...\n`)
    },
    report(report) {
      // What still arrives is news of a moment ago.
      if (stopping && report.kind !== 'failed') return
      switch (report.kind) {
        case 'backfill':
          if (report.done === 0)
            stdout.write(`Loading ${count(report.total)} rows of history ...\n`)
          return
        case 'ready':
          stdout.write(describeReady(report.ready, { logFile, speed }))
          return
        case 'session':
          return replay.update(report.done, report.total, report.session)
        case 'finished':
          replay.stop()
          stdout.write(`\nThe replay has come to the end of the data.\n\n`)
          stdout.write(describeSummary(report.summary))
          if (!exit) stdout.write('\nEverything stays up until Ctrl-C.\n')
          return
        case 'failed':
          replay.stop()
          stderr.write(`usdcop: ${report.message}\n`)
          return
        default:
          return report satisfies never
      }
    },
    stopping() {
      stopping = true
      replay.stop()
      stdout.write('\nStopping; the next start goes on from here.\n')
    },
    close: () => replay.stop(),
  }
}

function describeReady(
  ready: ReadyReport,
  { logFile, speed }: { readonly logFile: string; readonly speed: string },
): string {
  const lines = [
    ['Replay', describeReplay(ready, speed)],
    ['History', describeHistory(ready)],
    ['Model', describeModel(ready)],
    [],
    ['Features', `POST ${local(ready.featureServer)}/get-online-features`],
    ['Bars in', `POST ${local(ready.materializer)}/v1/bars`],
    ['Writer key', ready.writerKeyFile],
    ['State', `${ready.dataDirectory} (--fresh starts over)`],
    ['Log', logFile],
  ]
  const text = lines.map(([name, value]) =>
    name === undefined ? '' : `  ${name.padEnd(11)} ${value}`,
  )
  return `
  Look here first: ${local(ready.console)}

${text.join('\n')}

  Ctrl-C stops it.

`
}

function describeReplay({ replay }: ReadyReport, speed: string): string {
  if (replay === null) return 'the data is at its end; the clock holds'
  const { from, to, sessions } = replay
  const pace = speed === 'max' ? 'as fast as it goes' : `${speed} a minute`
  return `${from} … ${to}, ${plural(sessions, 'session')}, ${pace} (--speed changes it)`
}

function describeHistory({ backfilled }: ReadyReport): string {
  if (backfilled === null) return 'was here already; going on behind it'
  const { bars, rejected, seconds } = backfilled
  return `${plural(bars, 'bar')} in ${seconds.toFixed(1)} s, ${plural(rejected, 'row')} rejected`
}

function describeModel({ model }: ReadyReport): string {
  if (model === null) return 'none could be loaded: every decision is refused; the log says why'
  return `${model.name} ${model.version}`
}

/** As people write it, where it leads to the same place. */
function local(url: string): string {
  return url.replace('//127.0.0.1:', '//localhost:')
}

function plural(value: number, unit: string): string {
  return `${count(value)} ${unit}${value === 1 ? '' : 's'}`
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

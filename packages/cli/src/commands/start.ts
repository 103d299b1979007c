import { join } from 'node:path'
import type { ReadyReport, StartReport } from '@usdcop/service/start-report'
import { Command, Option } from 'commander'
import { runAllInOne } from '../all-in-one.ts'
import { repositoryPath } from '../paths.ts'
import type { World } from '../program.ts'
import { createProgress } from '../progress.ts'
import { addReplayOptions, environmentOf, type ReplayOptions, speed } from '../replay-options.ts'
import { describeSummary } from '../summary.ts'

interface StartOptions extends ReplayOptions {
  readonly dataDir: string
  readonly fresh?: true
  readonly speed?: string
  readonly exit?: true
  readonly host: string
  readonly json?: true
}

/** `usdcop start`: the whole platform in one process, on embedded stores, with a replay of real bars. */
export function startCommand(world: World): Command {
  const command = new Command('start').description(
    'run the whole platform, embedded, and replay the newest sessions of the data',
  )
  return addReplayOptions(command, {
    bars: repositoryPath('data/usdcop-m5.csv.gz'),
    macro: repositoryPath('data/macro-daily.csv'),
  })
    .option('--data-dir <dir>', 'where its state lives; a second start resumes there', '.usdcop')
    .option('--fresh', 'forget the state first')
    .addOption(new Option('--speed <n>', 'sessions a minute, or max (default: 1)').argParser(speed))
    .option('--exit', 'end after the last session instead of holding')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--json', 'print the log as JSON lines instead of a summary for people')
    .action(async (options: StartOptions) => {
      const env = {
        ...world.env,
        ...environmentOf(options),
        DATA_DIR: options.dataDir,
        DATA_FRESH: options.fresh ? 'true' : undefined,
        REPLAY_SPEED: options.speed,
        REPLAY_EXIT: options.exit ? 'true' : undefined,
        HOST: options.host,
      }
      const teller = createTeller(world)
      await runAllInOne(
        {
          env,
          log: options.json ? 'inherit' : { file: join(options.dataDir, 'usdcop.log') },
          onReport: options.json ? () => {} : teller,
        },
        world.signal,
      )
    })
}

/** Turns reports into lines for a person. */
function createTeller({ stdout, stderr }: World): (report: StartReport) => void {
  const backfill = createProgress(stderr, 'back-fill', 'bars')
  const replay = createProgress(stderr, 'replay   ', 'sessions')
  return (report) => {
    switch (report.kind) {
      case 'backfill':
        return backfill.update(report.done, report.total)
      case 'ready':
        backfill.stop()
        stdout.write(describeReady(report.ready))
        return
      case 'session':
        return replay.update(report.done, report.total)
      case 'finished':
        replay.stop()
        stdout.write(`\n${describeSummary(report.summary)}`)
        return
      case 'failed':
        backfill.stop()
        replay.stop()
        stderr.write(`usdcop: ${report.message}\n`)
        return
      default:
        return report satisfies never
    }
  }
}

function describeReady(ready: ReadyReport): string {
  const { backfilled, replay } = ready
  const lines = [
    ['console', ready.console],
    ['features', `POST ${ready.featureServer}/get-online-features`],
    ['bars in', `POST ${ready.materializer}/v1/bars`],
    ['writer key', ready.writerKeyFile],
    ['state', ready.dataDirectory],
    backfilled === null
      ? ['history', 'resumed']
      : [
          'history',
          `${count(backfilled.bars)} bars in ${backfilled.seconds.toFixed(1)} s, ${count(backfilled.rejected)} rows rejected`,
        ],
    replay === null
      ? ['replay', 'the data is at its end; the clock holds']
      : ['replay', `${replay.from} … ${replay.to}, ${replay.sessions} sessions`],
  ] as const
  return `${lines.map(([name, value]) => `  ${name.padEnd(10)} ${value}`).join('\n')}\n\n`
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

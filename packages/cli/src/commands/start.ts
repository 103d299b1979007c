import { join } from 'node:path'
import { Command, Option } from 'commander'
import { runAllInOne } from '../all-in-one.ts'
import { examples } from '../examples.ts'
import { addReplayOptions, environmentOf, type ReplayOptions, speed } from '../replay-options.ts'
import { createTeller } from '../teller.ts'
import type { World } from '../world.ts'

interface StartOptions extends ReplayOptions {
  readonly dataDir: string
  readonly fresh?: true
  readonly speed: string
  readonly exit?: true
  readonly host: string
  readonly json?: true
}

/** `usdcop start`: the whole platform in one process, on embedded stores, with a replay of real bars. */
export function startCommand(world: World): Command {
  const command = new Command('start').description(
    'run the whole platform, embedded, and replay the newest sessions of the data',
  )
  return addReplayOptions(command)
    .addOption(
      new Option('--data-dir <dir>', 'where its state lives; a second start resumes there')
        .default('.usdcop')
        .env('DATA_DIR'),
    )
    .option('--fresh', 'forget the state first')
    .addOption(
      new Option('--speed <n>', 'sessions a minute, or max')
        .argParser(speed)
        .default('1')
        .env('REPLAY_SPEED'),
    )
    .option('--exit', 'end after the last session instead of holding')
    .addOption(new Option('--host <host>', 'address to listen on').default('127.0.0.1').env('HOST'))
    .option('--json', 'print the log as JSON lines instead of words for people')
    .addHelpText(
      'after',
      examples('start', 'start --speed max --exit', 'start --fresh --from 2025-06-02 --speed 10'),
    )
    .action((options: StartOptions) => start(options, world))
}

async function start(options: StartOptions, { env, signal, stdout, stderr }: World): Promise<void> {
  const { dataDir, fresh, exit, host, json } = options
  const logFile = join(dataDir, 'usdcop.log')
  const teller = createTeller({
    stdout,
    stderr,
    logFile,
    speed: options.speed,
    exit: exit === true,
  })
  const stopping = (): void => teller.stopping()
  if (!json) {
    teller.starting(dataDir)
    signal.addEventListener('abort', stopping, { once: true })
  }
  try {
    await runAllInOne(
      {
        env: {
          ...env,
          ...environmentOf(options),
          DATA_DIR: dataDir,
          REPLAY_SPEED: options.speed,
          HOST: host,
          ...(fresh && { DATA_FRESH: 'true' }),
          ...(exit && { REPLAY_EXIT: 'true' }),
        },
        log: json ? 'inherit' : { file: logFile },
        onReport(report) {
          if (!json || report.kind === 'failed') teller.report(report)
        },
      },
      signal,
    )
  } finally {
    teller.close()
    signal.removeEventListener('abort', stopping)
  }
  // Ctrl-C is how a platform that holds is stopped; one that should have come to an end has not.
  if (exit) signal.throwIfAborted()
}

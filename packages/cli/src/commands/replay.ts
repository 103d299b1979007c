import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServiceError } from '@usdcop/service/errors'
import type { ReplaySummary } from '@usdcop/service/start-report'
import { Command } from 'commander'
import { runAllInOne } from '../all-in-one.ts'
import { examples } from '../examples.ts'
import { createProgress } from '../progress.ts'
import { addReplayOptions, environmentOf, type ReplayOptions } from '../replay-options.ts'
import { describeSummary } from '../summary.ts'
import type { World } from '../world.ts'

/** `usdcop replay`: sessions through the whole platform as fast as it goes, then what they came to. */
export function replayCommand({ env: inherited, signal, stdout, stderr }: World): Command {
  const command = new Command('replay').description(
    'replay sessions through the whole platform at full speed, in a directory of their own',
  )
  return addReplayOptions(command)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', examples('replay --from 2025-06-02 --to 2025-06-06', 'replay --json'))
    .action(async (options: ReplayOptions & { json?: true }) => {
      const folder = await mkdtemp(join(tmpdir(), 'usdcop-replay-'))
      const progress = createProgress(stderr, 'sessions')
      let summary: ReplaySummary | undefined
      const env = {
        ...inherited,
        ...environmentOf(options),
        DATA_DIR: folder,
        REPLAY_SPEED: 'max',
        REPLAY_EXIT: 'true',
        // Any free port: a replay runs beside a platform that is up.
        FEATURE_SERVER_PORT: '0',
        MATERIALIZER_PORT: '0',
        GATEWAY_PORT: '0',
      }
      try {
        await runAllInOne(
          {
            env,
            log: { file: join(folder, 'usdcop.log') },
            onReport: (report) => {
              if (report.kind === 'session')
                progress.update(report.done, report.total, report.session)
              if (report.kind === 'finished') summary = report.summary
              if (report.kind === 'failed') stderr.write(`usdcop: ${report.message}\n`)
            },
          },
          signal,
        )
      } finally {
        progress.stop()
        await rm(folder, { recursive: true, force: true })
      }
      signal.throwIfAborted()
      if (summary === undefined)
        throw new ServiceError('internal', 'the replay ended without a result')
      stdout.write(options.json ? `${JSON.stringify(summary)}\n` : describeSummary(summary))
    })
}

import { runService } from '@usdcop/service/lifecycle'
import { createLogger } from '@usdcop/service/log'
import { sendReport } from '@usdcop/service/start-report'
import { attachTracing } from '@usdcop/tracing/lifetime'
import { traceFields } from '@usdcop/tracing/log-fields'
import { readConfig } from './config.ts'
import { failureOf } from './failure.ts'
import { startPlatform } from './platform.ts'

const logger = createLogger({ name: 'usdcop', level: 'info', mixin: traceFields })

// The command that started us is gone: nobody is left to stop us.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))

await runService({
  logger,
  async start(life) {
    attachTracing(life, logger)
    // Being stopped is no failure. What is thrown on ends the process with 1, in order.
    const failed = (error: unknown): never => {
      if (!life.signal.aborted) sendReport(failureOf(error))
      throw error
    }
    try {
      const config = readConfig(process.env, new URL('../../../', import.meta.url))
      logger.level = config.logLevel
      const { replayed } = await startPlatform(config, life, logger, sendReport)
      void replayed.then((summary) => {
        logger.info(summary, 'the replay has ended; the clock holds')
        sendReport({ kind: 'finished', summary })
        if (config.replay.exit) process.kill(process.pid, 'SIGTERM')
      }, failed)
    } catch (error) {
      failed(error)
    }
  },
})

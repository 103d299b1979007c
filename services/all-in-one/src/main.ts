import { mkdirSync } from 'node:fs'
import { runService } from '@usdcop/service/lifecycle'
import { createLogger } from '@usdcop/service/log'
import { sendReport } from '@usdcop/service/start-report'
import { readConfig } from './config.ts'
import { startPlatform } from './platform.ts'

const config = readConfig(process.env, new URL('../../../', import.meta.url))
mkdirSync(config.dataDirectory, { recursive: true })
const logger = createLogger({ name: 'usdcop', level: config.logLevel })

// The command that started us is gone: nobody is left to stop us.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))

await runService({
  logger,
  async start(life) {
    const { replayed } = await startPlatform(config, life, logger, sendReport)
    void replayed.then((summary) => {
      logger.info(summary, 'the replay has ended; the clock holds')
      sendReport({ kind: 'finished', summary })
      if (config.replay.exit) process.kill(process.pid, 'SIGTERM')
    })
  },
})

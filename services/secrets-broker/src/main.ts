import { type Lifecycle, runService } from '@usdcop/service/lifecycle'
import { createLogger, openOutput } from '@usdcop/service/log'
import { attachTracing } from '@usdcop/tracing/lifetime'
import { traceFields } from '@usdcop/tracing/log-fields'
import { readConfig } from './config.ts'
import { serve } from './serve.ts'

const logger = createLogger({
  name: 'secrets-broker',
  level: 'info',
  mixin: traceFields,
  destination: openOutput(),
})

await runService({ logger, start })

async function start(life: Lifecycle): Promise<void> {
  const config = readConfig(process.env)
  logger.level = config.logLevel
  attachTracing(life, logger)
  await serve(config, life, logger)
}

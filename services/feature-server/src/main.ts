import cluster from 'node:cluster'
import { type Lifecycle, runService } from '@usdcop/service/lifecycle'
import { createLogger } from '@usdcop/service/log'
import { createRegistry } from '@usdcop/service/metrics'
import { attachTracing } from '@usdcop/tracing/lifetime'
import { traceFields } from '@usdcop/tracing/log-fields'
import { readConfig } from './config.ts'
import { openMaterializer } from './materialize/open-materializer.ts'
import { serve } from './serve.ts'
import { startWorkers } from './workers.ts'

const logger = createLogger({ name: 'feature-server', level: 'info', mixin: traceFields })

await runService({ logger, start })

async function start(life: Lifecycle): Promise<void> {
  const config = readConfig(process.env)
  logger.level = config.logLevel
  if (config.workers > 1 && cluster.isPrimary) {
    const materializer = config.repository && openMaterializer(config.repository, life)
    return await startWorkers(config.workers, life, { logger, materializer })
  }
  attachTracing(life, logger)
  await serve(config, life, logger, createRegistry('feature-server'))
}

import { readRepoConfig } from '@usdcop/feast/config/feature-store-yaml'
import type { Materializer } from '@usdcop/feast/registry/materialization'
import { openRegistry } from '@usdcop/feast/registry/open-registry'
import { openOnlineStore } from '@usdcop/feast/stores/open-store'
import { untilReady } from '@usdcop/feast/stores/until-ready'
import { openTransformer } from '@usdcop/feast/transformation/open-transformer'
import { createMaterializer } from '@usdcop/offline-store/materialize/materializer'
import { ServiceError } from '@usdcop/service/errors'
import { createLifecycle } from '@usdcop/service/lifecycle'
import { createLogger } from '@usdcop/service/log'
import { readConfig } from '../config.ts'
import { openClock } from '../domain-clock.ts'
import { channelToParent } from './channel.ts'
import { answerRuns } from './remote-materializer.ts'

// The process that `createChildMaterializer` starts. A terminal or a supervisor tells all processes to
// end; this one goes by what the server does: it cancels its runs, then closes the channel.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {})

const config = readConfig(process.env)
const logger = createLogger({ name: 'feature-server', level: config.logLevel })
const life = createLifecycle(logger)
process.once('disconnect', () => void life.close().then(() => process.exit(0)))

const opened = open()
// Each run tells it.
opened.catch(() => {})
const materializer: Materializer = {
  run: async (job, signal, onProgress) => await (await opened).run(job, signal, onProgress),
}
answerRuns(materializer, channelToParent())

async function open(): Promise<Materializer> {
  const { repository } = config
  if (repository === undefined)
    throw new ServiceError('config_invalid', 'FEAST_REPO names no repository to materialize')
  const { directory, variables } = repository
  const named = await readRepoConfig(directory, variables)
  const { project } = named
  const registry = openRegistry(named.registry, project)
  life.onClose('registry', () => registry.close())
  let reason: Error | undefined
  const store = openOnlineStore(named.onlineStore, project, {
    lane: false,
    onError: (error) => {
      reason = error
    },
  })
  life.onClose('online store', () => store.close())
  await untilReady(store, life.signal, () => reason)
  const { transform, close } = await openTransformer(named)
  life.onClose('transformation service', close)
  logger.info({ project }, 'materializing a repository')
  return createMaterializer({
    registry,
    store,
    clock: await openClock(config),
    directory,
    rowsAWrite: named.onlineWriteBatchSize,
    transform,
  })
}

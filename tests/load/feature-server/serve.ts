// Our server over the workload: serve.ts PORT VIEWS ADDRESS, the address a Redis or a folder for LMDB.
import { openLmdbStore } from '@usdcop/feast/stores/lmdb-store'
import { connectRedis, createRedisStore } from '@usdcop/feast/stores/redis-store'
import { buildApp } from '@usdcop/feature-server/app'
import { createKeyring } from '@usdcop/service/auth'
import { wallClock } from '@usdcop/service/clock'
import { runService } from '@usdcop/service/lifecycle'
import { createLogger } from '@usdcop/service/log'
import { addProcessMetrics, createRegistry } from '@usdcop/service/metrics'
import { workload, writeRows } from './workload.ts'

const [port, views, address = ''] = process.argv.slice(2)
const logger = createLogger({ name: 'feature-server', level: 'info' })

await runService({
  logger,
  async start(life) {
    const registry = workload(Number(views))
    const { project } = registry
    const onRedis = address.startsWith('redis://')
    const client = onRedis ? connectRedis(address, (error) => logger.warn(error)) : undefined
    const store = client ? createRedisStore(client, project) : openLmdbStore(address, project)
    life.onClose('redis', () => client?.disconnect())
    life.onClose('store', () => store.close())
    if (!onRedis) await writeRows(store, registry, Date.now(), life.signal)
    const metrics = createRegistry('feature-server')
    addProcessMetrics(metrics)
    const app = buildApp({
      logger,
      metrics,
      registry: { current: registry },
      store,
      clock: wallClock,
      serving: 'mark',
      keyring: createKeyring([]),
      bindHost: '127.0.0.1',
    })
    life.onClose('http', () => app.close())
    await app.listen({ host: '127.0.0.1', port: Number(port) })
  },
})

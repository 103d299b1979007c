// A feature server with one full row, for tracing.bench.ts: tells its address, and its CPU time when asked.
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLmdbStore } from '@usdcop/feast/stores/lmdb-store'
import { entityKey } from '@usdcop/feast/wire/entity-key'
import { defineFeatures } from '@usdcop/feature-repo/features'
import { buildApp } from '@usdcop/feature-server/app'
import { parseContract } from '@usdcop/observation/contract'
import { createKeyring } from '@usdcop/service/auth'
import { createLogger } from '@usdcop/service/log'
import { createRegistry } from '@usdcop/service/metrics'
import { shutdownTracing } from '@usdcop/tracing/lifetime'
import { traceFields } from '@usdcop/tracing/log-fields'

const NOW = Date.UTC(2025, 5, 27, 15)
const file = new URL('../../config/contracts/observation-15d.v1.json', import.meta.url)
const registry = defineFeatures(parseContract(JSON.parse(await readFile(file, 'utf8'))))
const folder = mkdtempSync(join(tmpdir(), 'usdcop-bench-'))
const store = openLmdbStore(folder, registry.project)
const key = entityKey([['symbol', { type: 'STRING', value: 'USD/COP' }]])
for (const { name, features } of registry.views.values()) {
  const values = new Map(
    features.map((one, i) => [one.name, { type: 'DOUBLE', value: i / 7 } as const]),
  )
  const row = { entityKey: key, eventTimestamp: NOW, values }
  await store.write(name, [row], AbortSignal.timeout(10_000))
}
const app = buildApp({
  logger: createLogger({ name: 'feature-server', level: 'info', mixin: traceFields }),
  metrics: createRegistry('feature-server'),
  registry: { current: registry },
  store,
  clock: { now: () => NOW },
  serving: 'mark',
  keyring: createKeyring([]),
  bindHost: '127.0.0.1',
})
const url = await app.listen({ host: '127.0.0.1', port: 0 })
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuMicros: user + system })
})
process.once('disconnect', () => void end())
process.send?.({ url })

async function end(): Promise<void> {
  await app.close()
  await shutdownTracing()
  await store.close()
  rmSync(folder, { recursive: true })
  process.exit(0)
}

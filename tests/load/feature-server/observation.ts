import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fieldListOf, redisKey } from '@usdcop/feast/stores/redis-rows'
import { connectRedis, createRedisStore } from '@usdcop/feast/stores/redis-store'
import { entityKey } from '@usdcop/feast/wire/entity-key'
import { defineFeatures } from '@usdcop/feature-repo/features'
import { parseContract } from '@usdcop/observation/contract'
import { type Figure, median } from '../figure.ts'
import { ask } from './answers.ts'
import { keepBodies } from './closed-loop.ts'
import { type Bench, startFloor, startService } from './servers.ts'
import { ratio, takingTurns } from './throughput.ts'

const ROUNDS = 5
const CONTRACT = new URL('../../../config/contracts/observation-15d.v1.json', import.meta.url)
const QUESTION = JSON.stringify({
  feature_service: 'observation_15d',
  entities: { symbol: ['USD/COP'] },
})

/** The shipped service and the 15 features of one symbol from Redis; how soon it is ready. */
export async function observationFigures(
  bench: Bench,
  tell: (step: string) => void,
): Promise<readonly Figure[]> {
  const hash = await writeRow(bench)
  const ready: number[] = []
  for (let start = 0; start < 3; start += 1) {
    await using service = await startService('this server', bench)
    ready.push(service.readyMs)
  }
  await using ours = await startService('this server', bench)
  await using floor = await startFloor(
    'floor with one HMGET',
    bench,
    await ask(ours, QUESTION),
    hash,
  )
  const file = await keepBodies(join(bench.folder, 'observation.jsonl'), [QUESTION])
  const name = 'observation_15d'
  const say = (step: string) => tell(`${name}, ${step}`)
  const rates = await takingTurns([ours, floor], file, ROUNDS, bench.signal, say)
  const figures = [...rates].map(([peer, found]) => ({
    name: `${name}, ${peer.name}`,
    value: median(found),
    unit: 'requests/s',
  }))
  return [
    ...figures,
    {
      name: `${name}, this server by floor with one HMGET`,
      value: ratio(rates.get(ours) ?? [], rates.get(floor) ?? []),
      unit: 'share',
      bar: { kind: 'at_least', value: 0.6 },
    },
    {
      name: 'process start to the first 200',
      value: median(ready),
      unit: 'ms',
      bar: { kind: 'at_most', value: 1_000 },
    },
  ]
}

/** @returns what the floor has to read */
async function writeRow({ redisUrl, signal }: Bench) {
  const registry = defineFeatures(parseContract(JSON.parse(await readFile(CONTRACT, 'utf8'))))
  const client = connectRedis(redisUrl, () => {})
  if (client.status !== 'ready') await once(client, 'ready', { signal })
  const store = createRedisStore(client, registry.project)
  const key = entityKey([['symbol', { type: 'STRING', value: 'USD/COP' }]])
  const service = registry.services.get('observation_15d')
  for (const { name, features } of registry.views.values()) {
    const values = new Map(
      features.map((one, i) => [one.name, { type: 'DOUBLE', value: i / 7 } as const]),
    )
    await store.write(name, [{ entityKey: key, eventTimestamp: Date.now(), values }], signal)
  }
  client.disconnect()
  const { fields } = fieldListOf(service?.projections ?? [])
  return { key: redisKey(key, Buffer.from(registry.project)), fields }
}

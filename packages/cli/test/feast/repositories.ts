import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { feastCli } from '@usdcop/tests/support/feast-cli'
import { runFeast } from '@usdcop/tests/support/feast-forks'

const here = fileURLToPath(new URL('.', import.meta.url))

export interface Repositories extends AsyncDisposable {
  readonly folder: string
  /** With one of everything. */
  readonly drivers: string
  /** Another project with the same registry and the same Redis. */
  readonly others: string
}

/** Two Feast repositories that Feast has applied, with 200 rows of history and an empty Redis. */
export async function appliedByFeast(redisUrl: string, signal: AbortSignal): Promise<Repositories> {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-feast-verbs-'))
  const [drivers, others] = [join(folder, 'drivers'), join(folder, 'others')]
  for (const repository of ['drivers', 'others']) {
    await cp(join(here, repository), join(folder, repository), { recursive: true })
    const yaml = featureStoreYaml(repository, new URL(redisUrl).host)
    await writeFile(join(folder, repository, 'feature_store.yaml'), yaml)
  }
  await mkdir(join(drivers, 'data'))
  await runFeast([join(here, 'history.py'), join(drivers, 'data/history.parquet')], signal)
  for (const repository of [drivers, others]) await feastCli(repository, ['apply'], {}, signal)
  return {
    folder,
    drivers,
    others,
    [Symbol.asyncDispose]: async () => await rm(folder, { recursive: true, force: true }),
  }
}

export function featureStoreYaml(project: string, redis: string): string {
  return [
    `project: ${project}`,
    'provider: local',
    'registry: ../registry.db',
    'offline_store: {type: dask}',
    `online_store: {type: redis, connection_string: '${redis}'}`,
    'entity_key_serialization_version: 3',
    '',
  ].join('\n')
}

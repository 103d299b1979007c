import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openRegistry } from '@usdcop/feast/registry/open-registry'
import { createFeatureClient } from '@usdcop/feature-client/client'
import { schemaOf } from '@usdcop/feature-client/schema-of'
import { feastCli } from '@usdcop/tests/support/feast-cli'
import { runFeast, startFeast as startRun } from '@usdcop/tests/support/feast-forks'
import { freePort } from '@usdcop/tests/support/redis-node'
import { expect, onTestFinished, test } from 'vitest'

const YAML = `project: drivers
provider: local
registry: registry.db
offline_store: {type: dask}
online_store: {type: sqlite, path: online.db}
entity_key_serialization_version: 3
`

const FEATURES = `from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource, ValueType
from feast.types import Array, Bool, Float64, Int64, String, UnixTimestamp

driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
history = FileSource(name="history", path="data/history.parquet", timestamp_field="happened")
stats = FeatureView(
    name="stats",
    entities=[driver],
    schema=[
        Field(name="driver_id", dtype=Int64),
        Field(name="rate", dtype=Float64),
        Field(name="trips", dtype=Int64),
        Field(name="note", dtype=String),
        Field(name="busy", dtype=Bool),
        Field(name="scores", dtype=Array(Float64)),
        Field(name="seen", dtype=UnixTimestamp),
    ],
    source=PushSource(name="pushed", batch_source=history),
)
model = FeatureService(name="model", features=[stats])
`

const HISTORY = `import sys
import pandas as pd
columns = ["driver_id", "rate", "trips", "note", "busy", "scores", "seen", "happened"]
row = [1, 0.5, 1, "a", True, [0.5], pd.Timestamp(0), pd.Timestamp(0, tz="UTC")]
pd.DataFrame([row], columns=columns).to_parquet(sys.argv[1])
`

/** Feast's own server on a repository that Feast has applied. */
async function startFeast(signal: AbortSignal) {
  const directory = await mkdtemp(join(tmpdir(), 'usdcop-feast-client-'))
  onTestFinished(async () => await rm(directory, { recursive: true, force: true }))
  await mkdir(join(directory, 'data'))
  await writeFile(join(directory, 'feature_store.yaml'), YAML)
  await writeFile(join(directory, 'features.py'), FEATURES)
  await writeFile(join(directory, 'data/history.py'), HISTORY)
  const history = ['data/history.py', 'data/history.parquet'].map((file) => join(directory, file))
  await runFeast(history, signal)
  await rm(join(directory, 'data/history.py'))
  await feastCli(directory, ['apply'], {}, signal)
  const port = await freePort()
  const serving = await startRun(['feast', '-c', directory, 'serve', '-p', String(port)])
  onTestFinished(async () => await serving.stop())
  const file = { type: 'file', path: join(directory, 'registry.db') } as const
  const registry = openRegistry({ ...file, cacheTtlMs: 0, onlineVersioning: false }, 'drivers')
  const schema = schemaOf(await registry.read(signal))
  await registry.close()
  return { url: `http://127.0.0.1:${port}`, schema }
}

test("the client speaks with Feast's own server as with ours", async ({ signal }) => {
  const { url, schema } = await startFeast(signal)
  await using client = createFeatureClient({ url, schema, deadlineMs: 20_000 })
  // Feast's SQLite keeps whole seconds.
  const at = Date.UTC(2026, 0, 5, 12)
  const row = {
    driver_id: 2n ** 60n,
    rate: 0.1,
    trips: 2n ** 62n,
    note: 'ñ',
    busy: true,
    scores: [1, 0.5],
    seen: new Date(1_741_015_800_000),
    happened: at,
  }
  await expect
    .poll(() => client.push({ source: 'pushed', rows: [row] }), { timeout: 60_000, interval: 500 })
    .toBeUndefined()

  const entities = { driver_id: [2n ** 60n, 404n] }
  const { rows } = await client.getOnlineFeatures({ featureService: 'model', entities })
  const told = (value: unknown) => ({ value, status: 'PRESENT', eventTimestamp: at })
  expect(rows[0]).toEqual({
    entities: { driver_id: 2n ** 60n },
    features: {
      rate: told(0.1),
      trips: told(2n ** 62n),
      note: told('ñ'),
      busy: told(true),
      scores: told([1, 0.5]),
      seen: told(1_741_015_800n),
    },
  })
  expect(Object.values(rows[1]?.features ?? {}).map(({ value }) => value)).toEqual(
    Array.from({ length: 6 }, () => null),
  )

  await client.writeToOnlineStore({
    view: 'stats',
    rows: [{ ...row, rate: 0.2, happened: at + 1_000 }],
  })
  const features = ['stats:rate'] as const
  const full = await client.getOnlineFeatures({ features, entities, fullFeatureNames: true })
  expect(full.rows[0]?.features).toEqual({
    stats__rate: { value: 0.2, status: 'PRESENT', eventTimestamp: at + 1_000 },
  })

  const unknown = client.getOnlineFeatures({ features: ['nothing:rate'], entities })
  await expect(unknown).rejects.toMatchObject({
    code: 'feature_view_unknown',
    refusal: { status: 404, feastClass: 'FeatureViewNotFoundException' },
  })
  await expect(client.push({ source: 'nothing', rows: [row] })).rejects.toMatchObject({
    code: 'push_source_unknown',
  })
})

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { readRepoConfig } from '@usdcop/feast/config/feature-store-yaml'
import { openRegistry } from '@usdcop/feast/registry/open-registry'
import { createTransformer } from '@usdcop/feast/serving/transform'
import { openOnlineStore } from '@usdcop/feast/stores/open-store'
import { untilReady } from '@usdcop/feast/stores/until-ready'
import { connectTransformationService } from '@usdcop/feast/transformation/service'
import { buildApp } from '@usdcop/feature-server/app'
import { createKeyring } from '@usdcop/service/auth'
import { createLogger } from '@usdcop/service/log'
import { createRegistry } from '@usdcop/service/metrics'
import { feastPython } from '@usdcop/tests/support/feast-cli'
import { startOwnRedis } from '@usdcop/tests/support/redis'
import { expect, onTestFinished, test } from 'vitest'

const script = fileURLToPath(new URL('on_demand.py', import.meta.url))

test('on-demand views in Python give what they give in Feast, by its transformation service', async ({
  signal,
}) => {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-on-demand-'))
  onTestFinished(async () => await rm(folder, { recursive: true, force: true }))
  await using redis = await startOwnRedis()
  const [transformations, feastServer] = [await freePort(), await freePort()]
  const endpoint = `127.0.0.1:${transformations}`
  await promisify(execFile)(feastPython(), [script, folder, new URL(redis.url).host, endpoint], {
    signal,
  })
  const service = await startFeast(folder, ['serve_transformations', '-p', `${transformations}`])
  await startFeast(folder, ['serve', '-p', `${feastServer}`])
  await using app = await ours(folder, signal)
  await Promise.all(
    [transformations, feastServer].map(async (port) => await listening(port, signal)),
  )

  const entities = { driver: [1, 2], factor: [0.5, 3], bonus: [1, 2] }
  const ask = async (body: unknown) => {
    const asked = {
      method: 'POST',
      url: '/get-online-features',
      payload: JSON.stringify(body),
    } as const
    const { statusCode, body: text } = await app.inject(asked)
    return { status: statusCode, text }
  }
  const askFeast = async (body: unknown) => {
    const url = `http://127.0.0.1:${feastServer}/get-online-features`
    const headers = { 'content-type': 'application/json' }
    const reply = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal })
    return { status: reply.status, text: await reply.text() }
  }
  const outputs = [...TYPES, 'nothing', 'cut'].map((name) => `by_pandas:${name}_out`)
  for (const body of [
    { features: outputs, entities },
    { features: ['stats:note', ...outputs], entities },
    { features: ['with_gaps:sum_out', 'with_gaps:trips_out'], entities },
    { features: ['with_gaps:sum_out'], entities: { ...entities, driver: [2, 99] } },
    { features: ['failing:never'], entities: { factor: [1.5], bonus: [1] } },
  ]) {
    const [here, there] = [await ask(body), await askFeast(body)]
    expect([here.status, there.status]).toEqual([200, 200])
    expect(columnsOf(here.text)).toEqual(columnsOf(there.text))
  }

  // What Feast's service does not run, Feast's server does.
  const python = { features: ['by_python:twice'], entities: { driver: [1] } }
  expect((await askFeast(python)).status).toBe(200)
  const refused = await ask(python)
  expect(refused.status).toBe(501)
  expect(refused.text).toContain("'by_python' is of the mode python")

  const failing = { features: ['failing:never'], entities: { factor: [-1], bonus: [1] } }
  const failed = await ask(failing)
  expect(failed.status).toBe(500)
  expect(failed.text).toContain("On demand feature view 'failing' failed")
  expect(failed.text).not.toContain('inner')
  expect((await askFeast(failing)).status).toBe(500)

  service.kill('SIGKILL')
  await once(service, 'exit')
  const away = await ask({ features: ['failing:never'], entities: { factor: [1], bonus: [1] } })
  expect(away.status).toBe(503)
  expect(away.text).toContain('the transformation service did not answer')
}, 240_000)

const TYPES = [
  'rate',
  'small',
  'trips',
  'grade',
  'active',
  'note',
  'raw',
  'seen',
  'scores',
  'ids',
  'words',
]

/** Values and statuses by name, digits of integers kept. */
function columnsOf(text: string): Readonly<Record<string, unknown>> {
  const quoted = text.replaceAll(/(?<=[[,:])-?\d{16,}(?=[\],])/g, '"$&"')
  const { metadata, results } = JSON.parse(quoted) as {
    metadata: { feature_names: string[] }
    results: { values: unknown[]; statuses: string[] }[]
  }
  return Object.fromEntries(
    metadata.feature_names.map((name, i) => [name, [results[i]?.values, results[i]?.statuses]]),
  )
}

async function ours(folder: string, signal: AbortSignal) {
  const config = await readRepoConfig(folder, {})
  const { project, transformationEndpoint: endpoint = '' } = config
  const registry = await openRegistry(config.registry, project).read(signal)
  const store = openOnlineStore(config.onlineStore, project, { onError: () => {} })
  onTestFinished(async () => await store.close())
  await untilReady(store, signal)
  const service = connectTransformationService(endpoint, project)
  onTestFinished(() => service.close())
  return buildApp({
    logger: createLogger({ name: 'feature-server', level: 'silent' }),
    metrics: createRegistry('feature-server'),
    registry: { current: registry },
    store,
    transform: createTransformer(service.transform),
    clock: { now: () => Date.UTC(2026, 0, 2) },
    serving: 'strict',
    keyring: createKeyring([]),
    bindHost: '127.0.0.1',
  })
}

async function startFeast(folder: string, verb: readonly string[]) {
  const feast = join(dirname(feastPython()), 'feast')
  const child = spawn(feast, ['-c', folder, ...verb], { stdio: 'ignore', detached: true })
  // Its web server has processes of its own.
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null)
      process.kill(-(child.pid ?? 0), 'SIGKILL')
  })
  await once(child, 'spawn')
  return child
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function listening(port: number, signal: AbortSignal): Promise<void> {
  await expect
    .poll(
      async () => {
        signal.throwIfAborted()
        const socket = connect(port, '127.0.0.1')
        const answered = await once(socket, 'connect').then(
          () => true,
          () => false,
        )
        socket.destroy()
        return answered
      },
      { timeout: 120_000, interval: 500 },
    )
    .toBe(true)
}

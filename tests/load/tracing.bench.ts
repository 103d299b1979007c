import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { startOtlpSink } from '../support/otlp-sink.ts'
import { type Figure, median } from './figure.ts'

const SERVER = fileURLToPath(new URL('serve-features.ts', import.meta.url))
const REGISTER = new URL('../../packages/tracing/src/register.ts', import.meta.url).href
const QUESTION = JSON.stringify({
  feature_service: 'observation_15d',
  entities: { symbol: ['USD/COP'] },
})
/** So many ask at a time, each again when it has its answer. */
const ASKERS = 8
const SLICE = 400
/** The servers take turns slice by slice, so that what else the machine does meets them all alike. */
const SLICES = 8
const REPEATS = 9

/**
 * CPU time of the feature server's process for one answered question about the 15 features, untraced
 * and traced, in a closed loop. The load and the collector are this process's, and not in the
 * figures.
 */
export async function tracingBench(): Promise<readonly Figure[]> {
  await using sink = await startOtlpSink()
  const on = { TRACING_ENABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: sink.url }
  const tenth = {
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.1',
  }
  const settings: [string, NodeJS.ProcessEnv][] = [
    ['untraced', {}],
    ['added by tracing all', on],
    ['added by tracing a tenth', { ...on, ...tenth }],
    [
      'added by tracing all with no collector',
      { ...on, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' },
    ],
  ]
  const servers: { name: string; server: Server; micros: number[] }[] = []
  try {
    for (const [name, env] of settings)
      servers.push({ name, server: await startServer(env), micros: [] })
    // One round for the compilers, which is thrown away.
    for (let repeat = 0; repeat <= REPEATS; repeat += 1) {
      const taken = servers.map(() => 0)
      for (let slice = 0; slice < SLICES; slice += 1)
        for (const [i, { server }] of servers.entries()) taken[i]! += await cpuMicrosOf(server)
      for (const [i, { micros }] of servers.entries())
        if (repeat > 0) micros.push(taken[i]! / SLICES / SLICE)
    }
  } finally {
    for (const { server } of servers) await server.end()
  }
  // All of one server's, and about a tenth of another's.
  const expected = SLICE * SLICES * (REPEATS + 1)
  if (sink.spans.length < expected) throw new Error(`${sink.spans.length} spans of ${expected}`)
  const off = servers[0]?.micros ?? []
  return servers.map(({ name, micros }, i) => ({
    name: `CPU of one question to the feature server, ${name}`,
    // Round by round against the server that does not trace.
    value: median(i === 0 ? micros : micros.map((taken, round) => taken - (off[round] ?? 0))),
    unit: 'µs',
  }))
}

interface Server {
  readonly url: string
  cpuMicros(): Promise<number>
  end(): Promise<void>
}

async function startServer(env: NodeJS.ProcessEnv): Promise<Server> {
  const child = fork(SERVER, {
    execArgv: ['--import', REGISTER],
    env: { ...process.env, OTEL_SERVICE_NAME: 'feature-server', ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [{ url }] = (await once(child, 'message')) as [{ url: string }]
  return {
    url,
    async cpuMicros() {
      child.send('cpu')
      const [{ cpuMicros }] = (await once(child, 'message')) as [{ cpuMicros: number }]
      return cpuMicros
    },
    async end() {
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}

async function cpuMicrosOf(server: Server): Promise<number> {
  const before = await server.cpuMicros()
  let left = SLICE
  const askOn = async (): Promise<void> => {
    while (left-- > 0) await ask(server.url)
  }
  await Promise.all(Array.from({ length: ASKERS }, askOn))
  return (await server.cpuMicros()) - before
}

async function ask(url: string): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const reply = await fetch(`${url}/get-online-features`, {
    method: 'POST',
    headers,
    body: QUESTION,
  })
  if (!reply.ok) throw new Error(await reply.text())
  await reply.text()
}

import { Agent, request } from 'node:http'
import { Worker } from 'node:worker_threads'

/** Sleeps to the microsecond, which timers do not, and says each time that the next request is due. */
const PACER = `
const { parentPort, workerData: { everyMs, count } } = require('node:worker_threads')
const nobody = new Int32Array(new SharedArrayBuffer(4))
const started = performance.timeOrigin + performance.now()
for (let i = 0; i < count; i += 1) {
  const due = started + i * everyMs
  const wait = due - performance.timeOrigin - performance.now()
  if (wait > 0) Atomics.wait(nobody, 0, 0, wait)
  parentPort.postMessage(due)
}
`

/** More than are ever under way at once. */
const CONNECTIONS = 64

/**
 * Milliseconds from when each request was due until its whole answer was there. A request that is late
 * because those before it were slow, or because this process was, is charged for the wait.
 */
export async function fixedRate(
  url: string,
  asked: readonly string[],
  perSecond: number,
  seconds: number,
): Promise<readonly number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, maxFreeSockets: CONNECTIONS })
  // New connections are work of the server too, and none that a steady rate has.
  await Promise.all(asked.slice(0, CONNECTIONS).map((body) => ask(agent, url, body)))
  const count = perSecond * seconds
  const pacer = new Worker(PACER, { eval: true, workerData: { everyMs: 1_000 / perSecond, count } })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const took: number[] = []
  let sent = 0
  pacer.on('error', reject)
  pacer.on('message', (due: number) => {
    const body = asked[sent % asked.length] ?? ''
    sent += 1
    ask(agent, url, body).then(() => {
      took.push(performance.timeOrigin + performance.now() - due)
      if (took.length === count) resolve()
    }, reject)
  })
  try {
    await promise
    return took
  } finally {
    agent.destroy()
    await pacer.terminate()
  }
}

function ask(agent: Agent, url: string, body: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  const path = `${url}/get-online-features`
  const asking = request(path, { agent, method: 'POST', headers }, (response) => {
    response.resume()
    response.on('error', reject)
    response.on('end', () => {
      if (response.statusCode === 200) resolve()
      else reject(new Error(`${path} answered ${response.statusCode}`))
    })
  })
  asking.on('error', reject)
  asking.end(body)
  return promise
}

import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import type { Materializer } from '@usdcop/feast/registry/materialization'
import type { Lifecycle } from '@usdcop/service/lifecycle'
import type { Logger } from '@usdcop/service/log'
import { AggregatorRegistry, type Registry } from 'prom-client'
import { channelToChild } from './materialize/channel.ts'
import { answerRuns } from './materialize/remote-materializer.ts'

/** What a worker and its primary say to each other; prom-client has messages of its own beside these. */
type Message =
  | { readonly type: 'usdcop:end' }
  | { readonly type: 'usdcop:metrics'; readonly id: number; readonly text?: string }

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 10_000
/** A worker that lived that long did not fail at its start. */
const STEADY_MS = 30_000
const END_LIMIT_MS = 20_000

export interface WorkersDeps {
  readonly logger: Logger
  /** Materializes for all of them; what a worker asked for ends with it. */
  readonly materializer: Materializer | undefined
}

/**
 * Starts that many copies of this program, which share its port, and resolves when all of them listen.
 * One that dies is started again, after pauses that double while it keeps dying young.
 * @throws Error when one ends before it ever listened
 */
export async function startWorkers(
  count: number,
  life: Lifecycle,
  { logger, materializer }: WorkersDeps,
): Promise<void> {
  const aggregator = new AggregatorRegistry()
  const alive = new Set<Worker>()

  const fork = (): Worker => {
    const worker = cluster.fork()
    alive.add(worker)
    if (materializer !== undefined) answerRuns(materializer, channelToChild(worker.process))
    worker.once('exit', () => alive.delete(worker))
    worker.on('message', (message: Message) => {
      if (message.type === 'usdcop:metrics') void answerMetrics(worker, message.id)
    })
    return worker
  }

  async function answerMetrics(worker: Worker, id: number): Promise<void> {
    try {
      const text = await aggregator.clusterMetrics()
      if (worker.isConnected()) send(worker, { type: 'usdcop:metrics', id, text })
    } catch (error) {
      logger.warn({ err: error }, 'the metrics of the workers were not collected')
      if (worker.isConnected()) send(worker, { type: 'usdcop:metrics', id })
    }
  }

  async function keep(first: Worker): Promise<void> {
    let worker = first
    let pause = FIRST_PAUSE_MS
    for (;;) {
      const since = performance.now()
      const [code, signal] = (await once(worker, 'exit')) as [number | null, string | null]
      if (life.signal.aborted) return
      logger.error({ worker: worker.process.pid, code, signal }, 'a worker died')
      pause = performance.now() - since > STEADY_MS ? FIRST_PAUSE_MS : pause
      const ended = await wait(pause, false, { signal: life.signal }).catch(() => true)
      if (ended) return
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS)
      worker = fork()
    }
  }

  const end = async (): Promise<void> => {
    const ends = [...alive].map(async (worker) => {
      const ended = once(worker, 'exit')
      if (worker.isConnected()) send(worker, { type: 'usdcop:end' })
      await ended
    })
    await Promise.all(ends)
  }
  life.onClose('workers', end, END_LIMIT_MS)

  const workers = Array.from({ length: count }, fork)
  await Promise.all(workers.map(listening))
  for (const worker of workers) void keep(worker)
}

async function listening(worker: Worker): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  worker.once('listening', () => resolve())
  worker.once('exit', (code) => reject(new Error(`a worker ended with ${code} before it listened`)))
  await promise
}

function send(to: Worker, message: Message): void {
  to.send(message)
}

const METRICS_LIMIT_MS = 6_000

/** The worker's side: ends when the primary says so, and answers `/metrics` with those of all workers. */
export function serveAsWorker(life: Lifecycle, registry: Registry): () => Promise<string> {
  AggregatorRegistry.setRegistries(registry)
  // Its making is what lets this process answer the primary.
  new AggregatorRegistry()
  let lastId = 0
  const asked = new Map<number, PromiseWithResolvers<string>>()
  process.on('message', (message: Message) => {
    // The terminal may have told this process already: a second signal would cut it short.
    if (message.type === 'usdcop:end' && !life.signal.aborted) process.kill(process.pid, 'SIGTERM')
    if (message.type !== 'usdcop:metrics') return
    const answer = asked.get(message.id)
    if (message.text === undefined) answer?.reject(new Error('the primary has no metrics'))
    else answer?.resolve(message.text)
  })
  return async () => {
    lastId += 1
    const id = lastId
    const answer = Promise.withResolvers<string>()
    asked.set(id, answer)
    const timer = setTimeout(
      () => answer.reject(new Error('the primary did not answer in time')),
      METRICS_LIMIT_MS,
    )
    try {
      process.send?.({ type: 'usdcop:metrics', id } satisfies Message)
      return await answer.promise
    } finally {
      clearTimeout(timer)
      asked.delete(id)
    }
  }
}

import type {
  MaterializationProgress,
  MaterializedView,
  Materializer,
} from '@usdcop/feast/registry/materialization'
import { ServiceError } from '@usdcop/service/errors'
import type { Channel } from './channel.ts'
import { fromFault, toFault } from './fault.ts'

interface Waiting {
  readonly answer: PromiseWithResolvers<readonly MaterializedView[]>
  readonly onProgress: (progress: MaterializationProgress) => void
}

/** The materializer of another process, which `answerRuns` there. A cancelled run ends when it says so. */
export function createRemoteMaterializer(channel: Channel): Materializer {
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let end: ServiceError | undefined
  channel.onMessage((message) => {
    if (message.type === 'usdcop:run-progress')
      waiting.get(message.id)?.onProgress(message.progress)
    if (message.type === 'usdcop:run-done') waiting.get(message.id)?.answer.resolve(message.views)
    if (message.type === 'usdcop:run-failed')
      waiting.get(message.id)?.answer.reject(fromFault(message.fault))
  })
  channel.onEnd((reason) => {
    end = reason
    for (const { answer } of waiting.values()) answer.reject(reason)
  })
  return {
    async run(job, signal, onProgress = () => {}) {
      signal.throwIfAborted()
      if (end !== undefined) throw end
      lastId += 1
      const id = lastId
      const answer = Promise.withResolvers<readonly MaterializedView[]>()
      waiting.set(id, { answer, onProgress })
      const cancel = () => channel.send({ type: 'usdcop:run-cancel', id })
      signal.addEventListener('abort', cancel)
      try {
        channel.send({ type: 'usdcop:run', id, job })
        return await answer.promise
      } catch (error) {
        throw signal.aborted ? signal.reason : error
      } finally {
        signal.removeEventListener('abort', cancel)
        waiting.delete(id)
      }
    },
  }
}

/** Runs what the other process asks for. What it asked for ends when it does. */
export function answerRuns(materializer: Materializer, channel: Channel): void {
  const running = new Map<number, AbortController>()
  channel.onMessage((message) => {
    if (message.type === 'usdcop:run') void answer(message.id, message.job)
    if (message.type === 'usdcop:run-cancel') running.get(message.id)?.abort(CANCELLED)
  })
  channel.onEnd((reason) => {
    for (const run of running.values()) run.abort(reason)
  })

  async function answer(id: number, job: Parameters<Materializer['run']>[0]): Promise<void> {
    const run = new AbortController()
    running.set(id, run)
    try {
      const views = await materializer.run(job, run.signal, (progress) =>
        channel.send({ type: 'usdcop:run-progress', id, progress }),
      )
      channel.send({ type: 'usdcop:run-done', id, views })
    } catch (error) {
      channel.send({ type: 'usdcop:run-failed', id, fault: toFault(error) })
    } finally {
      running.delete(id)
    }
  }
}

const CANCELLED = new ServiceError('caller_left', 'whoever asked for it wants it no more')

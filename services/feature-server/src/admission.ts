import { Socket } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { ServiceError } from '@usdcop/service/errors'
import type { FastifyInstance, FastifyReply } from 'fastify'

declare module 'fastify' {
  interface FastifyRequest {
    /** Aborts when the caller leaves or the request's time is up. */
    work: AbortSignal
  }
  interface FastifyContextConfig {
    /** False: the route may take as long as it needs. */
    readonly deadline?: boolean
  }
}

export interface AdmissionOptions {
  /** Requests under way at once; more are told to come back. */
  readonly maxConcurrent: number
  /** From the first byte of a request to its answer. */
  readonly timeoutMs: number
  /** Whether the event loop is so late that more work would only queue. */
  readonly overloaded: () => boolean
}

interface UnderWay {
  readonly work: AbortController
  readonly endsAt: number
}

/**
 * Lets requests in while there is room and gives each its deadline. One timer serves them all: they
 * have the same time, so whoever came first ends first.
 */
export function admitRequests(app: FastifyInstance, options: AdmissionOptions): void {
  const { maxConcurrent, timeoutMs, overloaded } = options
  const underWay = new Set<UnderWay>()
  let timer: NodeJS.Timeout | undefined
  let unlimited = 0

  const endDue = (): void => {
    timer = undefined
    const now = performance.now()
    for (const entry of underWay) {
      if (entry.endsAt > now) {
        timer = setTimeout(endDue, entry.endsAt - now).unref()
        return
      }
      underWay.delete(entry)
      entry.work.abort(
        new ServiceError('deadline_exceeded', `the answer took more than ${timeoutMs} ms`),
      )
    }
  }

  const leaveWith = (reply: FastifyReply, work: AbortController, left: () => void): void => {
    const { raw } = reply
    raw.on('close', () => {
      left()
      if (!raw.writableFinished) work.abort(new ServiceError('caller_left', 'the caller left'))
    })
  }

  app.decorateRequest('work')
  app.addHook('onRequest', (request, reply, done) => {
    if (underWay.size + unlimited >= maxConcurrent || overloaded()) {
      done(
        new ServiceError('too_many_requests', 'this server has more requests than it can answer'),
      )
      return
    }
    const work = new AbortController()
    request.work = work.signal
    if (request.routeOptions.config.deadline === false) {
      unlimited += 1
      // The server's limit on silent connections would cut a long answer off.
      if (request.socket instanceof Socket) request.socket.setTimeout(0)
      leaveWith(reply, work, () => {
        unlimited -= 1
      })
    } else {
      const entry = { work, endsAt: performance.now() + timeoutMs }
      underWay.add(entry)
      timer ??= setTimeout(endDue, timeoutMs).unref()
      leaveWith(reply, work, () => underWay.delete(entry))
    }
    done()
  })
}

const RESOLUTION_MS = 20
const WINDOW_MS = 500

/** Whether turns of the event loop come later than that, as a rule and not once. */
export function watchEventLoop(maxDelayMs: number): { overloaded(): boolean; stop(): void } {
  if (maxDelayMs === 0) return { overloaded: () => false, stop: () => {} }
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delays.enable()
  let late = false
  const timer = setInterval(() => {
    late = delays.percentile(50) / 1e6 - RESOLUTION_MS > maxDelayMs
    delays.reset()
  }, WINDOW_MS).unref()
  return {
    overloaded: () => late,
    stop() {
      clearInterval(timer)
      delays.disable()
    },
  }
}

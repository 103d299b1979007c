import type { FastifyReply } from 'fastify'
import { ServiceError } from './errors.ts'

/**
 * Aborts when the caller leaves before the answer is out.
 *
 * Not `request.signal`: over a real socket Fastify aborts that one as soon as the body of a request
 * has been read, because Node closes a request that has ended.
 */
export function callerSignal(reply: FastifyReply): AbortSignal {
  const leaving = new AbortController()
  const { raw } = reply
  const leave = () => {
    if (!raw.writableFinished) leaving.abort(new ServiceError('caller_left', 'the caller left'))
  }
  if (raw.destroyed) leave()
  else raw.once('close', leave)
  return leaving.signal
}

import type { FastifyRequest } from 'fastify'
import { ServiceError } from './errors.ts'

/**
 * An `onRequest` hook for pages: the Host must be a name we answer to, or a page elsewhere could
 * reach us through a name of its own (DNS rebinding); an Origin, when sent, must be that same host.
 *
 * @param allowed host names without port
 */
export function checkHost(allowed: readonly string[]): (request: FastifyRequest) => Promise<void> {
  const assertHost = hostAssertion(allowed)
  return async (request) => assertHost(request)
}

/**
 * The same check for a hook that does not wait.
 * @returns throws ServiceError `host_refused`
 */
export function hostAssertion(allowed: readonly string[]): (request: FastifyRequest) => void {
  const names = new Set(allowed.map((name) => name.toLowerCase()))
  // Callers name the same host every time, and parsing it costs more than the rest of the check.
  let known: string | undefined
  return (request) => {
    const { host, origin } = request.headers
    if (host === undefined || host !== known) {
      const name = URL.parse(`http://${host ?? ''}`)?.hostname
      if (name === undefined || !names.has(name))
        throw new ServiceError('host_refused', 'the Host header names no host of this service')
      known = host
    }
    if (origin !== undefined && URL.parse(origin)?.host !== URL.parse(`http://${host}`)?.host)
      throw new ServiceError('host_refused', 'the Origin header names another host')
  }
}

export const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]']

import { ServiceError } from '@usdcop/service/errors'
import { checkHost } from '@usdcop/service/host-check'
import type { FastifyRequest } from 'fastify'

/** What proxies add. Callers speak to the broker themselves; who is behind a proxy cannot be told. */
const ADDED_BY_PROXIES = ['forwarded', 'via', 'x-real-ip', 'x-client-ip', 'true-client-ip']

/**
 * An `onRequest` hook: the Host is one of ours, and nobody stands between the caller and us. Both keep out a page or a server
 * that was talked into asking for somebody else.
 */
export function demandDirect(hosts: readonly string[]): (request: FastifyRequest) => Promise<void> {
  const hostIsOurs = checkHost(hosts)
  return async (request) => {
    await hostIsOurs(request)
    const names = Object.keys(request.headers)
    const added = names.some(
      (name) => name.startsWith('x-forwarded-') || ADDED_BY_PROXIES.includes(name),
    )
    if (added) throw new ServiceError('host_refused', 'the request came through a proxy')
  }
}

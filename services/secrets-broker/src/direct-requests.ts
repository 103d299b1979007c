import { ServiceError } from '@usdcop/service/errors'
import { hostAssertion } from '@usdcop/service/host-check'
import type { onRequestHookHandler } from 'fastify'

/** What proxies add. Callers speak to the broker themselves; who is behind a proxy cannot be told. */
const ADDED_BY_PROXIES = ['forwarded', 'via', 'x-real-ip', 'x-client-ip', 'true-client-ip']

/**
 * An `onRequest` hook: the Host is one of ours, and nobody stands between the caller and us. Both keep out a page or a server
 * that was talked into asking for somebody else.
 */
export function demandDirect(hosts: readonly string[]): onRequestHookHandler {
  const assertOurHost = hostAssertion(hosts)
  return (request, _reply, done) => {
    assertOurHost(request)
    for (const name in request.headers)
      if (name.startsWith('x-forwarded-') || ADDED_BY_PROXIES.includes(name))
        throw new ServiceError('host_refused', 'the request came through a proxy')
    done()
  }
}

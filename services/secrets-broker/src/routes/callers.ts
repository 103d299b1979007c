import { ServiceError } from '@usdcop/service/errors'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Action } from '../audit.ts'
import type { CallerSecrets } from '../caller-secrets.ts'
import type { Caller, Callers } from '../callers.ts'
import { toldOf } from '../told.ts'

export interface CallersDeps {
  readonly callers: Callers
  readonly secrets: CallerSecrets
}

const Params = z.object({ name: z.string() })
const Query = z.strictObject({ caller: z.string().optional() })

/** Of the admin listener: who is known, and an end to what is held for them. */
export function callers(app: FastifyInstance, deps: CallersDeps): void {
  const { secrets } = deps

  function named(request: FastifyRequest, name: string): Caller {
    const caller = deps.callers.byName(name)
    if (caller === undefined) throw new ServiceError('not_found', 'no caller of that name')
    toldOf(request).about = { caller: caller.name }
    return caller
  }

  /** A route about one caller, answered with 204 once it is done. */
  function act(
    method: 'POST' | 'DELETE',
    what: string,
    action: Action,
    work: (caller: Caller) => unknown,
  ): void {
    app.route({
      method,
      url: `/v1/callers/:name/${what}`,
      async handler(request, reply) {
        toldOf(request).action = action
        await work(named(request, Params.parse(request.params).name))
        return reply.code(204).send()
      },
    })
  }

  app.get('/v1/callers', async (request) => {
    toldOf(request).action = 'caller.list'
    const left = secrets.tokensMsLeft()
    return {
      callers: deps.callers.all.map((caller) => ({
        name: caller.name,
        role: caller.role,
        secrets: caller.secrets,
        revoked: secrets.isRevoked(caller),
        tokenSecondsLeft: secondsOf(left.get(caller.name)),
      })),
    }
  })
  act('POST', 'rotation', 'caller.rotate', (caller) => secrets.rotate(caller))
  act('POST', 'revocation', 'caller.revoke', (caller) => secrets.revoke(caller))
  act('DELETE', 'revocation', 'caller.restore', (caller) => secrets.restore(caller))
  app.delete('/v1/cache', async (request, reply) => {
    toldOf(request).action = 'cache.flush'
    const { caller } = Query.parse(request.query)
    secrets.flush(caller === undefined ? undefined : named(request, caller))
    return reply.code(204).send()
  })
}

/** Null where no token is held. */
function secondsOf(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.floor(ms / 1_000)
}

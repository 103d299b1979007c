import { callerSignal } from '@usdcop/service/caller-signal'
import { ServiceError } from '@usdcop/service/errors'
import { secretPath } from '@usdcop/vault/secret-path'
import type { SecretAnswer } from '@usdcop/vault/secret-reader'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Admission } from '../admission.ts'
import type { CallerSecrets } from '../caller-secrets.ts'
import { toldOf } from '../told.ts'

export interface SecretsDeps {
  readonly secrets: CallerSecrets
  readonly admission: Admission
  /** Where KV version 2 is. */
  readonly mount: string
}

const PREFIX = '/v1/secrets/'
const Query = z.strictObject({
  version: z.coerce.number().int().positive().optional(),
  fresh: z.stringbool().default(false),
})
/** What `X-Cache` says. */
const CACHE = { vault: 'MISS', cache: 'HIT', stale: 'STALE', environment: 'NONE' } as const

/** GET /v1/secrets/PATH: a secret that the caller's own policy lets it read. */
export function secrets(app: FastifyInstance, deps: SecretsDeps): void {
  const { admission, mount } = deps
  app.get(`${PREFIX}*`, async (request, reply) => {
    const told = toldOf(request)
    told.action = 'secret.read'
    const caller = admission.callerOf(request)
    if (!caller.secrets)
      throw new ServiceError('forbidden', 'this caller gets its identity here, and no secrets')
    // As it was sent: what is percent-encoded is no path, whatever it would decode to.
    const path = secretPath(request.url.slice(PREFIX.length).split('?', 1)[0] ?? '')
    told.about = { path }
    const { version, fresh } = Query.parse(request.query)
    const wanted = { mount, path, fresh, ...(version !== undefined && { version }) }
    const answer = await deps.secrets.read(caller, wanted, callerSignal(reply))
    told.about = { path, source: answer.source, version: answer.version ?? 0 }
    return reply
      .header('x-cache', CACHE[answer.source])
      .header('age', Math.floor(answer.ageMs / 1_000))
      .type('application/json; charset=utf-8')
      .send(bodyOf(path, answer))
  })
}

/** The one place where values leave. Written by hand: a field may be called `__proto__`. */
function bodyOf(path: string, { fields, version, source }: SecretAnswer): string {
  const texts = [...fields].map(
    ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value.reveal())}`,
  )
  const head = JSON.stringify({ path, version, source })
  return `${head.slice(0, -1)},"fields":{${texts.join(',')}}}`
}

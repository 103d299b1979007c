import { callerSignal } from '@usdcop/service/caller-signal'
import { ServiceError } from '@usdcop/service/errors'
import { secretPath } from '@usdcop/vault/secret-path'
import type { SecretAnswer, SecretRequest } from '@usdcop/vault/secret-reader'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Admission } from '../admission.ts'
import type { CallerSecrets } from '../caller-secrets.ts'
import { sendTold, type Tellers, toldOf } from '../told.ts'

export interface SecretsDeps extends Tellers {
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
const NOTHING_ASKED = { fresh: false }
/** What `X-Cache` says. */
const CACHE = { vault: 'MISS', cache: 'HIT', stale: 'STALE', environment: 'NONE' } as const

/** GET /v1/secrets/PATH: a secret that the caller's own policy lets it read. */
export function secrets(app: FastifyInstance, deps: SecretsDeps): void {
  const { admission, mount } = deps

  function send(reply: FastifyReply, path: string, answer: SecretAnswer): void {
    const { source, version = 0, ageMs } = answer
    toldOf(reply.request).about = { path, source, version }
    reply.header('x-cache', CACHE[source]).header('age', Math.floor(ageMs / 1_000))
    sendTold(deps, reply, bodyOf(path, answer))
  }

  // Without a promise where the answer is kept: most are, and it would cost as much as the rest of the work.
  app.get(`${PREFIX}*`, (request, reply) => {
    const told = toldOf(request)
    told.action = 'secret.read'
    const caller = admission.callerOf(request)
    if (!caller.secrets)
      throw new ServiceError('forbidden', 'this caller gets its identity here, and no secrets')
    // As it was sent: what is percent-encoded is no path, whatever it would decode to.
    const [given = ''] = request.url.slice(PREFIX.length).split('?', 1)
    const wanted = { mount, path: given, ...asked(request) }
    // What is kept has passed the grammar.
    const kept = deps.secrets.kept(caller, wanted)
    if (kept !== undefined) return send(reply, given, kept)
    const path = secretPath(given)
    told.about = { path }
    return deps.secrets
      .read(caller, wanted, callerSignal(reply))
      .then((answer) => send(reply, path, answer))
  })
}

/** What the query says; nothing of it has to be there. */
function asked({ url, query }: FastifyRequest): Pick<SecretRequest, 'version' | 'fresh'> {
  if (!url.includes('?')) return NOTHING_ASKED
  const { version, fresh } = Query.parse(query)
  return { fresh, ...(version !== undefined && { version }) }
}

/** The bodies of what is kept, as long as it is kept. */
const bodies = new WeakMap<
  SecretAnswer['fields'],
  Pick<SecretAnswer, 'source'> & { text: string }
>()

function bodyOf(path: string, answer: SecretAnswer): string {
  const known = bodies.get(answer.fields)
  if (known?.source === answer.source) return known.text
  const text = writeBody(path, answer)
  bodies.set(answer.fields, { source: answer.source, text })
  return text
}

/** The one place where values leave. Written by hand: a field may be called `__proto__`. */
function writeBody(path: string, { fields, version, source }: SecretAnswer): string {
  const texts = [...fields].map(
    ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value.reveal())}`,
  )
  const head = JSON.stringify({ path, version, source })
  return `${head.slice(0, -1)},"fields":{${texts.join(',')}}}`
}

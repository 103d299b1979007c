import { callerSignal } from '@usdcop/service/caller-signal'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Admission } from '../admission.ts'
import type { CertificateEnds } from '../certificate-ends.ts'
import type { Issuer } from '../issuer.ts'
import { toldOf } from '../told.ts'

/** Nothing is asked for: who a caller is says its certificate or its token, never its body. */
const Nothing = z.strictObject({}).nullish()

interface IdentityDeps {
  readonly issuer: Issuer
  readonly admission: Admission
  readonly certificates: Pick<CertificateEnds, 'shown'>
}

/** POST /v1/identity: the caller's role id, and a wrapping token that holds a secret id for one login. */
export function identity(
  app: FastifyInstance,
  { issuer, admission, certificates }: IdentityDeps,
): void {
  app.post('/v1/identity', async (request, reply) => {
    const told = toldOf(request)
    told.action = 'identity.issue'
    const caller = admission.callerOf(request)
    told.about = { role: caller.role }
    certificates.shown(caller.name, request)
    Nothing.parse(request.body)
    admission.countIdentity(caller)
    const issued = await issuer.issue(caller, callerSignal(reply))
    // It may have been revoked while Vault was asked.
    admission.assertServed(caller)
    return reply.code(201).send({
      roleId: issued.roleId,
      wrappingToken: issued.wrappingToken.reveal(),
      creationPath: issued.creationPath,
      wrapTtlSeconds: issued.ttlSeconds,
      secretIdTtlSeconds: issuer.secretIdTtlSeconds,
    })
  })
}

import { TLSSocket } from 'node:tls'
import { ServiceError } from '@usdcop/service/errors'
import type { FastifyRequest } from 'fastify'
import type { Caller, Callers } from './callers.ts'
import { certificateNames } from './certificate-names.ts'

export interface Authenticated {
  readonly caller: Caller
  readonly way: 'certificate' | 'bearer'
}

/**
 * Who asks. A certificate counts if the TLS layer has verified it; one that it has not ends the matter, whatever else is
 * shown. Who shows a certificate and a token must be the same caller by both.
 * @throws ServiceError `unauthenticated`
 */
export function authenticate(callers: Callers, request: FastifyRequest): Authenticated {
  const certified = byCertificate(callers, request)
  const { authorization } = request.headers
  if (authorization === undefined) {
    if (certified === undefined)
      throw new ServiceError('unauthenticated', 'a client certificate or a bearer token is needed')
    return { caller: certified, way: 'certificate' }
  }
  const token = /^Bearer (?<token>\S+)$/i.exec(authorization)?.groups?.['token'] ?? ''
  const named = callers.byToken(token)
  if (named === undefined)
    throw new ServiceError('unauthenticated', 'the bearer token is not known')
  if (certified !== undefined && certified !== named)
    throw new ServiceError('unauthenticated', 'the certificate and the token are of two callers')
  return { caller: named, way: certified === undefined ? 'bearer' : 'certificate' }
}

function byCertificate(callers: Callers, request: FastifyRequest): Caller | undefined {
  const { socket } = request.raw
  if (!(socket instanceof TLSSocket)) return undefined
  const certificate = socket.getPeerCertificate()
  // Empty where none was sent.
  if (certificate?.raw === undefined) return undefined
  if (!socket.authorized)
    throw new ServiceError(
      'unauthenticated',
      'the client certificate is revoked, out of its time or not of a known authority',
    )
  const known = new Set(
    certificateNames(certificate).flatMap((name) => callers.byCertificateName(name) ?? []),
  )
  const [caller] = known
  if (caller === undefined || known.size > 1)
    throw new ServiceError('unauthenticated', 'the client certificate is of no known caller')
  return caller
}

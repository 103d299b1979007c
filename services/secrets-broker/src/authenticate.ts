import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { ServiceError } from '@usdcop/service/errors'
import type { FastifyRequest } from 'fastify'
import type { Caller, Callers } from './callers.ts'
import { certificateNames } from './certificate-names.ts'

export interface Authenticated {
  readonly caller: Caller
  readonly way: 'certificate' | 'bearer'
}

/** Says who asks. */
export type Authenticate = (request: FastifyRequest) => Authenticated

/** What a connection has last shown, and who that was. */
interface Shown {
  readonly authorization: string | undefined
  readonly by: Authenticated
}

/**
 * Who asks. A certificate counts if the TLS layer has verified it; one that it has not ends the matter, whatever else is
 * shown. Who shows a certificate and a token must be the same caller by both. What a connection shows again is not looked up
 * again: no other certificate comes on it, and whoever repeats a token on it has had it before.
 * @returns throws ServiceError `unauthenticated`
 */
export function createAuthenticate(callers: Callers): Authenticate {
  const last = new WeakMap<Socket, Shown>()
  return ({ raw: { socket, headers } }) => {
    const { authorization } = headers
    const shown = last.get(socket)
    if (shown !== undefined && shown.authorization === authorization) return shown.by
    const certified = socket instanceof TLSSocket ? byCertificate(callers, socket) : undefined
    const by = byToken(callers, authorization, certified)
    last.set(socket, { authorization, by })
    return by
  }
}

/** @param certified whose certificate was shown with it */
function byToken(
  callers: Callers,
  authorization: string | undefined,
  certified: Caller | undefined,
): Authenticated {
  if (authorization === undefined) {
    if (certified === undefined)
      throw new ServiceError('unauthenticated', 'a client certificate or a bearer token is needed')
    return { caller: certified, way: 'certificate' }
  }
  const token = /^Bearer (\S+)$/i.exec(authorization)?.[1] ?? ''
  const named = callers.byToken(token)
  if (named === undefined)
    throw new ServiceError('unauthenticated', 'the bearer token is not known')
  if (certified !== undefined && certified !== named)
    throw new ServiceError('unauthenticated', 'the certificate and the token are of two callers')
  return { caller: named, way: certified === undefined ? 'bearer' : 'certificate' }
}

/** Undefined where none is shown. */
function byCertificate(callers: Callers, socket: TLSSocket): Caller | undefined {
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

import type { Keyring } from '@usdcop/service/auth'
import { ServiceError } from '@usdcop/service/errors'
import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'

const CHALLENGE = 'Basic realm="usdcop console", charset="UTF-8"'

/**
 * An `onRequest` hook of the console. A browser has no bearer token of its own, so where reading
 * needs a key it may also come as the password of any user name, which a browser asks a person for
 * and then sends along with the page's files, its snapshot and its stream.
 */
export function guardConsole(
  keyring: Keyring,
  mayRead: onRequestAsyncHookHandler,
): onRequestAsyncHookHandler {
  return async function guard(request: FastifyRequest, reply: FastifyReply) {
    const password = passwordOf(request.headers.authorization)
    if (password !== undefined && keyring.find(password) !== undefined) return
    try {
      await mayRead.call(this, request, reply)
    } catch (error) {
      if (!(error instanceof ServiceError && error.code === 'unauthenticated')) throw error
      // Written here and not thrown: the service's renderer would ask for a bearer token.
      const { code, message } = error
      const body = { error: { code, message, requestId: request.id } }
      await reply.code(error.status).header('www-authenticate', CHALLENGE).send(body)
    }
  }
}

function passwordOf(authorization: string | undefined): string | undefined {
  const encoded = /^Basic (?<encoded>[\w+/=-]+)$/i.exec(authorization ?? '')?.groups?.['encoded']
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  return colon === -1 ? undefined : text.slice(colon + 1)
}

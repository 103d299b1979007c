import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An OpenID Connect provider as far as a server that checks tokens sees one. */
export interface IdentityProvider extends AsyncDisposable {
  readonly discoveryUrl: string
  readonly issuer: string
  /** A token signed by its newest key, good for an hour unless the claims say otherwise. */
  token(
    claims: Readonly<Record<string, unknown>>,
    header?: Readonly<Record<string, unknown>>,
  ): string
  /** Signs with a new key from now on; the old one is published no more. */
  rotate(): void
  /** While true, every answer is a 500. */
  broken: boolean
  /** Paths asked for so far. */
  readonly asked: readonly string[]
}

export async function startIdentityProvider(): Promise<IdentityProvider> {
  const asked: string[] = []
  const state = { generation: 1, pair: newPair(), broken: false, issuer: '' }
  const jwk = () => ({
    ...state.pair.publicKey.export({ format: 'jwk' }),
    kid: `key-${state.generation}`,
    alg: 'RS256',
    use: 'sig',
  })
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    if (state.broken) {
      response.writeHead(500).end()
      return
    }
    const body = request.url?.startsWith('/keys')
      ? { keys: [jwk()] }
      : { issuer: state.issuer, jwks_uri: `${state.issuer}/keys` }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  state.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    discoveryUrl: `${state.issuer}/.well-known/openid-configuration`,
    issuer: state.issuer,
    token(claims, header = {}) {
      const head = { alg: 'RS256', typ: 'JWT', kid: `key-${state.generation}`, ...header }
      const exp = Math.floor(Date.now() / 1_000) + 3_600
      return signed(head, { iss: state.issuer, exp, ...claims }, state.pair.privateKey)
    },
    rotate() {
      state.pair = newPair()
      state.generation += 1
    },
    get broken() {
      return state.broken
    },
    set broken(broken) {
      state.broken = broken
    },
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function newPair() {
  return generateKeyPairSync('rsa', { modulusLength: 2_048 })
}

function signed(header: object, claims: object, key: KeyObject): string {
  const text = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`
}

import { open, writeFile } from 'node:fs/promises'
import { request as requestPlain } from 'node:http'
import { request as requestSecure } from 'node:https'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NODE_FLAGS } from '@usdcop/cli/child-service'
import {
  type Authority,
  type Certified,
  makeAuthority,
} from '../../../services/secrets-broker/test/certificates.ts'
import {
  brokerCredential,
  callersText,
  prepareVault,
  type Service,
  tokenOf,
} from '../../../services/secrets-broker/test/prepared-vault.ts'
import { type Bao, startDevelopmentBao } from '../../support/openbao.ts'
import { type Peer, startPeer } from '../feature-server/peer.ts'
import type { Target } from './connections.ts'

const MAIN = fileURLToPath(new URL('../../../services/secrets-broker/src/main.ts', import.meta.url))
const FLOOR = fileURLToPath(new URL('floor.ts', import.meta.url))
const CALLER: Service = 'materializer'
const SECRET = `/v1/secrets/services/${CALLER}`

/** A Vault as this platform has it, certificates, and what the broker is told. */
export interface Bench extends AsyncDisposable {
  readonly bao: Bao
  readonly authority: Authority
  /** Of the caller that asks. */
  readonly client: Certified
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
}

/** How the caller shows who it is, and what the connection is. */
export type Way = 'bearer over HTTP' | 'certificate over TLS'

export async function prepareBench(signal: AbortSignal): Promise<Bench> {
  await using opened = new AsyncDisposableStack()
  const bao = opened.use(await startDevelopmentBao())
  const authority = opened.use(await makeAuthority())
  await prepareVault(bao)
  await authority.sign('broker', ['DNS:localhost', 'IP:127.0.0.1'])
  const client = await authority.sign(CALLER, [`DNS:${CALLER}`])
  const { roleId, secretId } = await brokerCredential(bao)
  const at = (name: string) => join(authority.folder, name)
  await writeFile(at('secret-id'), secretId.reveal(), { mode: 0o600 })
  await writeFile(at('callers.json'), callersText)
  const env = {
    HOST: '127.0.0.1',
    ADMIN_PORT: '0',
    CALLERS_FILE: at('callers.json'),
    VAULT_ADDR: bao.address,
    VAULT_ROLE_ID: roleId,
    VAULT_SECRET_ID_FILE: at('secret-id'),
    // What is measured is the work, not the limit.
    REQUESTS_PER_SECOND: '1000000',
    REQUEST_BURST: '1000000',
    IDENTITIES_PER_MINUTE: '1000000',
  }
  const kept = opened.move()
  return {
    bao,
    authority,
    client,
    env,
    signal,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/** The service as it is shipped, its log in a file. */
export async function startBroker(bench: Bench, way: Way): Promise<Peer> {
  const { authority, env, signal } = bench
  const at = (name: string) => join(authority.folder, name)
  const tls = way === 'certificate over TLS'
  const log = await open(at(`${way}.log`), 'a')
  const files = {
    TLS_CERT_FILE: at('broker.crt'),
    TLS_KEY_FILE: at('broker.key'),
    CLIENT_CA_FILE: at('ca.crt'),
  }
  try {
    return await startPeer({
      name: `broker, ${way}`,
      command: process.execPath,
      args: () => [...NODE_FLAGS, MAIN],
      env: (port) => ({ ...env, ...(tls && files), PORT: String(port) }),
      healthPath: '/readyz',
      path: SECRET,
      ca: tls ? authority.ca : undefined,
      output: log.fd,
      signal,
    })
  } finally {
    await log.close()
  }
}

/** Answers what the broker has answered, head and body, and does nothing else. */
export async function startFloor(bench: Bench, way: Way, broker: Peer): Promise<Peer> {
  const { authority, signal } = bench
  const tls = way === 'certificate over TLS'
  const file = join(authority.folder, 'answer.json')
  await writeFile(file, JSON.stringify(await answerOf(bench, way, broker)))
  return startPeer({
    name: `bare Fastify route, ${way}`,
    command: process.execPath,
    args: (port) => [...NODE_FLAGS, FLOOR, String(port), file, ...(tls ? [authority.folder] : [])],
    healthPath: SECRET,
    path: SECRET,
    ca: tls ? authority.ca : undefined,
    signal,
  })
}

export function targetOf({ authority, client }: Bench, way: Way, { url }: Peer): Target {
  return way === 'certificate over TLS' ? { url, tls: { ca: authority.ca, ...client } } : { url }
}

/** A whole request, as `Connection` sends it. */
export function requestOf(way: Way, method = 'GET', path: string = SECRET): string {
  const shown = way === 'certificate over TLS' ? '' : `authorization: Bearer ${tokenOf(CALLER)}\r\n`
  const body = method === 'POST' ? 'content-length: 0\r\n' : ''
  return `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${shown}${body}\r\n`
}

/** What a hit is answered with: the second read's answer, whole. */
async function answerOf({ authority, client, signal }: Bench, way: Way, { url, path }: Peer) {
  const headers = { authorization: `Bearer ${tokenOf(CALLER)}` }
  const ask = () => {
    const { promise, resolve, reject } = Promise.withResolvers<object>()
    const sent =
      way === 'certificate over TLS'
        ? requestSecure(url + path, { agent: false, ca: authority.ca, ...client, signal })
        : requestPlain(url + path, { agent: false, headers, signal })
    sent.on('error', reject)
    sent.on('response', (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('end', () => {
        if (response.statusCode !== 200) return reject(new Error(`answered ${body}`))
        // What every server of Node's adds by itself.
        const { date: _, connection: __, 'keep-alive': ___, ...own } = response.headers
        resolve({ headers: own, body })
      })
    })
    sent.end()
    return promise
  }
  await ask()
  return await ask()
}

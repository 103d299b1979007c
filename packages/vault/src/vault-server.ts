import { ServiceError } from '@usdcop/service/errors'
import nodeVault from 'node-vault'
import { type Availability, createAvailability } from './availability.ts'
import { type Clock, monotonicClock } from './clock.ts'
import { type Observe, type Operation, observeNothing } from './events.ts'
import { faultOf } from './faults.ts'
import { answersRequests, type Health, healthOf } from './health.ts'
import type { Secret } from './secret.ts'
import { type SecretPath, secretPath } from './secret-path.ts'
import { type Answer, createTransport, NoAnswer, type Tls, type Transport } from './transport.ts'

export interface VaultServerOptions {
  /** Scheme, host and port alone: `https://vault:8200`. The active node, or what finds it: redirects are not followed. */
  readonly address: string
  readonly namespace?: string | undefined
  readonly tls?: Tls
  /** What carries requests; connections of its own unless given. */
  readonly transport?: Transport
  /** Of one request, its connection included. */
  readonly timeoutMs?: number
  readonly clock?: Clock
  readonly random?: () => number
  readonly observe?: Observe
}

/** One request to Vault. */
export interface Ask {
  readonly operation: Operation
  readonly verb: 'read' | 'write' | 'list' | 'delete'
  readonly path: SecretPath
  readonly body?: Readonly<Record<string, unknown>>
  /** Of a KV secret. */
  readonly version?: number
  /** Seconds; the answer then is a wrapping token. */
  readonly wrapTtlSeconds?: number
}

/** One identity's way to the server: it never sees another one's token. */
export interface VaultClient {
  /**
   * @param token sent with this request alone; undefined sends none
   * @returns Vault's answer, undefined where it has no body
   * @throws ServiceError `vault_unavailable`, `vault_sealed` when nobody answered; else what the answer means
   */
  call(token: Secret | undefined, ask: Ask, signal: AbortSignal): Promise<unknown>
}

export interface VaultServer extends AsyncDisposable {
  readonly availability: Availability
  readonly clock: Clock
  readonly random: () => number
  readonly observe: Observe
  clientOf(identity: string): VaultClient
  health(signal: AbortSignal): Promise<Health>
}

const TIMEOUT_MS = 5_000
const PROBE_TIMEOUT_MS = 2_000
/** They say that the server, or what stands before it, cannot answer at all; 500 is one path's own fault. */
const SERVER_DOWN: ReadonlySet<number> = new Set([502, 503, 504])

/** @throws ServiceError `config_invalid` for an address that is more than scheme, host and port */
export function createVaultServer(options: VaultServerOptions): VaultServer {
  const { timeoutMs = TIMEOUT_MS, clock = monotonicClock, observe = observeNothing } = options
  const origin = originOf(options.address)
  const namespace = options.namespace === undefined ? '' : secretPath(options.namespace)
  const transport = options.transport ?? createTransport(options.tls ?? {})
  const availability = createAvailability({
    clock,
    probe: async (signal) => answersRequests(await health(signal)),
    changed: (up, reason) => observe({ kind: 'server', up, health: reason }),
  })

  async function exchange(
    client: NodeVault,
    token: Secret | undefined,
    ask: Ask,
    signal: AbortSignal,
  ) {
    const headers: Record<string, string> = { 'x-vault-request': 'true' }
    if (token !== undefined) headers['x-vault-token'] = token.reveal()
    if (namespace !== '') headers['x-vault-namespace'] = namespace
    if (ask.wrapTtlSeconds !== undefined) headers['x-vault-wrap-ttl'] = String(ask.wrapTtlSeconds)
    const query = ask.version === undefined ? '' : `?version=${ask.version}`
    const to = `${origin}/v1/${ask.path}${query}`
    return (await send(client, ask, query, { headers, signal, to })) as Answer
  }

  /** What node-vault calls in the place of its own HTTP client. */
  async function request({ uri, to, method, headers, json, signal }: RequestOptions) {
    const url = new URL(uri)
    // What goes out is what was built: no part of a path has been read as something else.
    if (uri !== to || url.href !== to)
      throw new ServiceError('secret_path_invalid', 'the address is not the one that was asked for')
    const body = typeof json === 'object' ? JSON.stringify(json) : undefined
    const answer = await transport.exchange({ method, url, headers, body }, signal)
    // node-vault forgets half of an answer that is no 200, so it is given none.
    return { statusCode: 200, body: answer, request: { path: '' } }
  }

  async function health(signal: AbortSignal): Promise<Health> {
    const limited = AbortSignal.any([
      signal,
      AbortSignal.timeout(Math.min(PROBE_TIMEOUT_MS, timeoutMs)),
    ])
    const url = new URL(`${origin}/v1/sys/health`)
    try {
      return healthOf(
        await transport.exchange({ method: 'GET', url, headers: {}, body: undefined }, limited),
      )
    } catch {
      signal.throwIfAborted()
      return 'unreachable'
    }
  }

  return {
    availability,
    clock,
    random: options.random ?? Math.random,
    observe,
    health,
    clientOf(identity) {
      const client = createNodeVault(origin, request)
      return {
        async call(token, ask, signal) {
          availability.assertUp()
          const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
          const begun = performance.now()
          const tell = (outcome: 'ok' | ServiceError['code']) => {
            const ms = performance.now() - begun
            observe({ kind: 'request', identity, operation: ask.operation, outcome, ms })
          }
          try {
            const answer = await exchange(client, token, ask, limited)
            const { status, body } = answer
            if (status >= 200 && status < 300) {
              availability.succeeded()
              tell('ok')
              return body
            }
            const fault = faultOf(answer, ask.operation, `${ask.operation} of ${ask.path}`)
            if (SERVER_DOWN.has(status)) availability.failed(fault)
            else availability.succeeded()
            throw fault
          } catch (error) {
            signal.throwIfAborted()
            const fault = error instanceof ServiceError ? error : unanswered(error, timeoutMs)
            if (fault !== error) availability.failed(fault)
            tell(fault.code)
            throw fault
          }
        },
      }
    },
    async [Symbol.asyncDispose]() {
      await availability[Symbol.asyncDispose]()
      await transport[Symbol.asyncDispose]()
    },
  }
}

function unanswered(error: unknown, timeoutMs: number): ServiceError {
  const reason =
    error instanceof NoAnswer
      ? error.reason
      : error instanceof DOMException && error.name === 'TimeoutError'
        ? `nothing within ${timeoutMs} ms`
        : 'request failed'
  return new ServiceError('vault_unavailable', `Vault does not answer: ${reason}`)
}

function originOf(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined
  const plain = url !== undefined && ['http:', 'https:'].includes(url.protocol)
  // An address with a user in it, a path or a query means something that this would not do.
  if (!plain || `${url.origin}/` !== url.href)
    throw new ServiceError(
      'config_invalid',
      'the address of Vault is not scheme, host and port alone',
    )
  return url.origin
}

interface RequestOptions {
  readonly uri: string
  readonly to: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly signal: AbortSignal
}

type NodeVault = ReturnType<typeof nodeVault>

/** node-vault with nothing from the environment, no log of its own and our transport under it. */
function createNodeVault(
  origin: string,
  request: (options: RequestOptions) => Promise<unknown>,
): NodeVault {
  const client = nodeVault({
    endpoint: origin,
    debug: () => {},
    'request-promise': { defaults: () => request },
  })
  // Each of these has come from a variable where the option was empty.
  return Object.assign(client, { token: '', namespace: '', pathPrefix: '' })
}

interface Sent {
  readonly headers: Record<string, string>
  readonly signal: AbortSignal
  readonly to: string
}

function send(
  client: NodeVault,
  { verb, path, body }: Ask,
  query: string,
  sent: Sent,
): Promise<unknown> {
  switch (verb) {
    case 'read':
      return client.read(`${path}${query}`, sent)
    case 'list':
      return client.list(path, sent)
    case 'delete':
      return client.delete(path, sent)
    case 'write':
      return client.write(path, body ?? {}, sent)
  }
}

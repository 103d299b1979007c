import { type ErrorCode, ServiceError, STATUS } from '@usdcop/service/errors'
import { z } from 'zod'
import { secretText } from './answers.ts'
import { createAvailability } from './availability.ts'
import { type Clock, monotonicClock } from './clock.ts'
import { textOfFile } from './credential-sources.ts'
import type { Credential, CredentialSource } from './login.ts'
import { Secret } from './secret.ts'
import { secretName } from './secret-path.ts'
import { type Answer, createTransport, NoAnswer, type Tls } from './transport.ts'

export interface BrokerOptions {
  /** Scheme, host and port of the secrets broker. */
  readonly address: string
  /** PEM files, read before each request, so that a renewed certificate is taken. */
  readonly caFile?: string | undefined
  readonly certificateFile?: string | undefined
  readonly keyFile?: string | undefined
  /** Where a bearer token, and no certificate, says who asks: itself, or the file that holds it. */
  readonly token?: Secret | { readonly file: string } | undefined
  /** Of one request, its connection included. */
  readonly timeoutMs?: number
  readonly clock?: Clock
}

const TIMEOUT_MS = 5_000
const LONGEST_RETRY_AFTER_SECONDS = 300
const CREATION_PATH = /^auth\/(?<mount>[A-Za-z0-9_.-]+)\/role\/[A-Za-z0-9_.-]+\/secret-id$/

const identity = z.object({
  roleId: z.string().refine((text) => text !== '' && !text.includes('/')),
  wrappingToken: secretText,
  creationPath: z.string().regex(CREATION_PATH),
})
const refusal = z.object({ error: z.object({ code: z.string() }) })

/**
 * Wrapped secret ids of the secrets broker, a fresh one for each login. Two requests in a row without a usable answer, and
 * the broker is only asked once a second whether it is ready, as `Availability` says. Redirects are not followed and no proxy is read.
 * @throws (the source) ServiceError `broker_unavailable` where it does not answer or asks for time, `vault_unavailable` and
 *   `vault_sealed` where it says so of Vault, `broker_refused` where it does not know us, `broker_answer_invalid` where its
 *   answer is none, `config_invalid` where a file cannot be read
 */
export function credentialFromBroker(options: BrokerOptions): CredentialSource {
  const { address, timeoutMs = TIMEOUT_MS, clock = monotonicClock } = options
  let notBefore = -Infinity
  const availability = createAvailability({
    clock,
    probe: async (signal) => (await exchange('GET', '/readyz', {}, signal)).status === 200,
    changed: () => {},
  })

  async function exchange(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Answer> {
    const transport = createTransport(await readTls(options, signal))
    try {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
      const url = new URL(path, address)
      const body = method === 'POST' ? '{}' : undefined
      return await transport.exchange({ method, url, headers, body }, limited)
    } finally {
      await transport[Symbol.asyncDispose]()
    }
  }

  async function source(signal: AbortSignal): Promise<Credential> {
    availability.assertUp()
    if (clock.now() < notBefore)
      throw new ServiceError('broker_unavailable', 'the secrets broker has asked for time')
    const token = await tokenOf(options.token, signal)
    const headers = {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token.reveal()}` }),
    }
    let answer: Answer
    try {
      answer = await exchange('POST', '/v1/identity', headers, signal)
    } catch (error) {
      signal.throwIfAborted()
      const fault = error instanceof ServiceError ? error : unanswered(error, timeoutMs)
      if (fault !== error) availability.failed(fault)
      throw fault
    }
    const { status, retryAfter = 1 } = answer
    if (status === 429)
      notBefore = clock.now() + Math.min(retryAfter, LONGEST_RETRY_AFTER_SECONDS) * 1_000
    const credential = credentialOf(answer)
    if (credential instanceof ServiceError && status >= 500) availability.failed(credential)
    else availability.succeeded()
    if (credential instanceof ServiceError) throw credential
    return credential
  }

  return Object.assign(source, {
    onUp: (listener: () => void) => availability.onUp(listener),
    [Symbol.asyncDispose]: () => availability[Symbol.asyncDispose](),
  })
}

/** Nothing of an answer is repeated but a code that we know. */
function credentialOf({ status, body }: Answer): Credential | ServiceError {
  if (status < 200 || status >= 300) return refusedWith(status, body)
  const parsed = identity.safeParse(body)
  if (!parsed.success)
    return new ServiceError('broker_answer_invalid', 'the answer is not one of the secrets broker')
  const { roleId, wrappingToken, creationPath } = parsed.data
  const mount = CREATION_PATH.exec(creationPath)?.groups?.['mount'] ?? ''
  return { kind: 'wrapped', roleId, wrappingToken, creationPath, mount: secretName(mount) }
}

function refusedWith(status: number, body: unknown): ServiceError {
  const said = refusal.safeParse(body).data?.error.code
  const code = said !== undefined && Object.hasOwn(STATUS, said) ? (said as ErrorCode) : undefined
  if (code === 'vault_sealed' || code === 'vault_unavailable')
    return new ServiceError(code, 'the secrets broker says so of its Vault')
  const told = `the secrets broker answers ${status}${code === undefined ? '' : ` (${code})`}`
  return status >= 500 || status === 429
    ? new ServiceError('broker_unavailable', told)
    : new ServiceError('broker_refused', told)
}

function unanswered(error: unknown, timeoutMs: number): ServiceError {
  const reason = error instanceof NoAnswer ? error.reason : `nothing within ${timeoutMs} ms`
  return new ServiceError('broker_unavailable', `the secrets broker does not answer: ${reason}`)
}

async function readTls(
  { caFile, certificateFile, keyFile }: BrokerOptions,
  signal: AbortSignal,
): Promise<Tls> {
  const text = async (path: string | undefined) =>
    path === undefined ? undefined : await textOfFile(path, signal)
  return {
    ca: await text(caFile),
    certificate: await text(certificateFile),
    key: await text(keyFile),
  }
}

async function tokenOf(
  token: BrokerOptions['token'],
  signal: AbortSignal,
): Promise<Secret | undefined> {
  if (token === undefined || token instanceof Secret) return token
  return new Secret((await textOfFile(token.file, signal)).trim())
}

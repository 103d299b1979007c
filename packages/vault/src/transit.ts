import { z } from 'zod'
import { readAnswer } from './answers.ts'
import type { Identity } from './identity.ts'
import { secretName, secretPath } from './secret-path.ts'

/** A key that never leaves Vault. */
export interface TransitKey {
  /** Of the transit engine; `transit` in this platform. */
  readonly mount: string
  readonly key: string
}

const signed = z.object({ data: z.object({ signature: z.string().min(1) }) })
const verified = z.object({ data: z.object({ valid: z.boolean() }) })
const encrypted = z.object({ data: z.object({ ciphertext: z.string().min(1) }) })
const decrypted = z.object({ data: z.object({ plaintext: z.base64() }) })

/** @returns Vault's form, `vault:v1:…`, which names the version of the key */
export async function sign(
  identity: Identity,
  key: TransitKey,
  input: Buffer,
  signal: AbortSignal,
): Promise<string> {
  const answer = await use(identity, 'sign', key, { input: input.toString('base64') }, signal)
  return readAnswer(signed, answer, 'signing').data.signature
}

/** @param signature as `sign` returns it */
export async function verify(
  identity: Identity,
  key: TransitKey,
  input: Buffer,
  signature: string,
  signal: AbortSignal,
): Promise<boolean> {
  const body = { input: input.toString('base64'), signature }
  return readAnswer(verified, await use(identity, 'verify', key, body, signal), 'verifying').data
    .valid
}

/** @returns Vault's form, `vault:v1:…` */
export async function encrypt(
  identity: Identity,
  key: TransitKey,
  plaintext: Buffer,
  signal: AbortSignal,
): Promise<string> {
  const answer = await use(
    identity,
    'encrypt',
    key,
    { plaintext: plaintext.toString('base64') },
    signal,
  )
  return readAnswer(encrypted, answer, 'encrypting').data.ciphertext
}

/** @returns the bytes, which whoever asked may overwrite when they are of no more use */
export async function decrypt(
  identity: Identity,
  key: TransitKey,
  ciphertext: string,
  signal: AbortSignal,
): Promise<Buffer> {
  const answer = await use(identity, 'decrypt', key, { ciphertext }, signal)
  return Buffer.from(readAnswer(decrypted, answer, 'decrypting').data.plaintext, 'base64')
}

function use(
  identity: Identity,
  what: 'sign' | 'verify' | 'encrypt' | 'decrypt',
  { mount, key }: TransitKey,
  body: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<unknown> {
  const path = secretPath(`${secretPath(mount)}/${what}/${secretName(key)}`)
  return identity.ask({ operation: 'transit', verb: 'write', path, body }, signal)
}

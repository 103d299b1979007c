import { createKeyring, type Keyring } from '@usdcop/service/auth'
import { ServiceError } from '@usdcop/service/errors'
import { secretName } from '@usdcop/vault/secret-path'
import { z } from 'zod'

/** Somebody whom the broker knows. */
export interface Caller {
  /** As it stands in the audit log and in metrics. */
  readonly name: string
  /** The AppRole that it gets secret ids of, and no other. */
  readonly role: string
  /** Addresses that may log in with these secret ids, and use the tokens; none is no limit. */
  readonly cidrs: readonly string[]
  /** Whether the broker reads secrets for it as well, under a login of this role. */
  readonly secrets: boolean
}

/** Everybody whom the broker knows, and how they show who they are. */
export interface Callers {
  readonly all: readonly Caller[]
  /** @param name of a certificate: `DNS:…`, `URI:…`, `CN=…`, whole */
  byCertificateName(name: string): Caller | undefined
  byToken(token: string): Caller | undefined
  byName(name: string): Caller | undefined
}

/** What the metrics and the audit log call those who have not shown who they are, and the broker itself. */
export const UNKNOWN = 'unknown'
export const BROKER = 'secrets-broker'

const nameInVault = z.string().refine((text) => {
  try {
    return secretName(text) === text
  } catch {
    return false
  }
}, 'expected letters, digits, "_", "." and "-"')

const Entry = z.strictObject({
  role: nameInVault,
  certificates: z.array(z.string().regex(/^(?:DNS:[\w.-]+|URI:[\w.:/-]+|CN=[\w.-]+)$/)).default([]),
  tokens: z.array(z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 digest')).default([]),
  cidrs: z.array(z.union([z.cidrv4(), z.cidrv6()])).default([]),
  secrets: z.boolean().default(false),
})

const File = z.record(nameInVault, Entry)

/**
 * The callers of a JSON file, by name: `{"materializer": {"role": "materializer", "certificates": ["DNS:materializer"]}}`.
 * @throws ServiceError `config_invalid` where the file does not fit, where a caller has nothing to show, and where two
 *   callers would be told by the same name or token
 */
export function parseCallers(text: string): Callers {
  const entries = readFile(text)
  const byCertificate = new Map<string, Caller>()
  const byName = new Map<string, Caller>()
  const keys: { name: string; role: 'reader'; sha256: string }[] = []
  const digests = new Set<string>()
  for (const [name, { certificates, tokens, role, cidrs, secrets }] of Object.entries(entries)) {
    if (name === UNKNOWN || name === BROKER)
      throw new ServiceError('config_invalid', `no caller may be called ${name}`)
    if (role === BROKER)
      throw new ServiceError('config_invalid', `${name}: the broker hands out no role of its own`)
    if (certificates.length + tokens.length === 0)
      throw new ServiceError('config_invalid', `${name} has neither certificates nor tokens`)
    const caller: Caller = Object.freeze({ name, role, cidrs, secrets })
    byName.set(name, caller)
    for (const certificate of certificates) {
      if (byCertificate.has(certificate))
        throw new ServiceError('config_invalid', `${certificate} stands for two callers`)
      byCertificate.set(certificate, caller)
    }
    for (const sha256 of tokens) {
      if (digests.has(sha256))
        throw new ServiceError('config_invalid', `one token of ${name} stands for two callers`)
      digests.add(sha256)
      keys.push({ name, role: 'reader', sha256 })
    }
  }
  if (byName.size === 0) throw new ServiceError('config_invalid', 'the file of callers names none')
  const keyring: Keyring = createKeyring(keys)
  return {
    all: [...byName.values()],
    byCertificateName: (name) => byCertificate.get(name),
    byToken: (token) => byName.get(keyring.find(token)?.name ?? ''),
    byName: (name) => byName.get(name),
  }
}

function readFile(text: string): z.output<typeof File> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    // The parser's own message repeats what it has read.
    throw new ServiceError('config_invalid', 'the file of callers is not JSON')
  }
  const parsed = File.safeParse(json)
  if (parsed.success) return parsed.data
  throw new ServiceError(
    'config_invalid',
    `the file of callers does not fit:\n${z.prettifyError(parsed.error)}`,
  )
}

// Does all that this package does, well and badly, with markers for secrets, and prints all that it can. A test reads it.
import { inspect } from 'node:util'
import { pino } from 'pino'
import { createEnvironmentSecrets } from '../src/environment-secrets.ts'
import { createIdentity } from '../src/identity.ts'
import { readSecret, writeSecret } from '../src/kv.ts'
import { Secret } from '../src/secret.ts'
import { createSecretReader } from '../src/secret-reader.ts'
import { decrypt, encrypt, sign } from '../src/transit.ts'
import { createVaultServer } from '../src/vault-server.ts'

interface Given {
  readonly addresses: readonly string[]
  readonly roleId: string
  readonly secretId: string
  readonly wrongSecretId: string
  readonly value: string
  readonly crash: boolean
}

const given = JSON.parse(process.env['CANARY'] ?? '{}') as Given
const logger = pino({ level: 'trace' })
const signal = new AbortController().signal

function tell(what: string, said: unknown): void {
  logger.info({ what, said }, String(said))
  logger.error({ err: said }, what)
  process.stdout.write(
    `${inspect(said, { depth: Infinity, showHidden: true })}\n${JSON.stringify(said)}\n`,
  )
}

async function attempt(what: string, work: () => Promise<unknown>): Promise<void> {
  await work().then(
    (answer) => tell(what, answer),
    (error: unknown) => tell(what, error),
  )
}

for (const address of given.addresses) {
  await using server = createVaultServer({
    address,
    timeoutMs: 500,
    observe: (event) => tell('event', event),
  })
  const value = new Secret(given.value)
  const wrong = new Secret(given.wrongSecretId)
  const names = { good: new Secret(given.secretId), bad: wrong }
  for (const [name, secretId] of Object.entries(names)) {
    const credential = { kind: 'approle', roleId: given.roleId, secretId } as const
    await using identity = createIdentity(server, { name, source: async () => credential })
    const allowed = { canary: { password: 'CANARY_VALUE' } }
    const environment = createEnvironmentSecrets({
      mount: 'secret',
      allowed,
      env: process.env,
      production: false,
    })
    const reader = createSecretReader({ identity, environment })
    const at = { mount: 'secret', path: 'canary' }
    tell('credential', credential)
    tell('identity', identity)
    tell('reader', reader)
    tell('server', server)
    await attempt('ready', () => identity.ready(signal))
    await attempt('write', () =>
      writeSecret(identity, { ...at, fields: { password: value } }, signal),
    )
    await attempt('conflict', () =>
      writeSecret(identity, { ...at, fields: { password: value }, expected: 7 }, signal),
    )
    await attempt('read', () => reader.read(at, signal))
    await attempt('kept', () => reader.read(at, signal))
    await attempt('denied', () => readSecret(identity, { mount: 'secret', path: 'denied' }, signal))
    await attempt('path', () =>
      readSecret(identity, { mount: 'secret', path: `../${given.value}` }, signal),
    )
    await attempt('sign', () =>
      sign(identity, { mount: 'nowhere', key: 'k' }, Buffer.from(given.value), signal),
    )
    await attempt('encrypt', () =>
      encrypt(identity, { mount: 'nowhere', key: 'k' }, Buffer.from(given.value), signal),
    )
    await attempt('decrypt', () =>
      decrypt(identity, { mount: 'nowhere', key: 'k' }, given.value, signal),
    )
  }
}
if (given.crash) {
  const server = createVaultServer({ address: given.addresses[0] ?? '' })
  const credential = {
    kind: 'approle',
    roleId: given.roleId,
    secretId: new Secret(given.secretId),
  } as const
  const identity = createIdentity(server, { name: 'crash', source: async () => credential })
  await readSecret(identity, { mount: 'secret', path: 'denied' }, signal)
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  type Authority,
  makeAuthority,
} from '../../../services/secrets-broker/test/certificates.ts'
import {
  brokerCredential,
  CALLERS,
  type Caller,
  callersText,
} from '../../../services/secrets-broker/test/prepared-vault.ts'
import type { Bao } from '../../support/openbao.ts'
import { freePort } from '../../support/redis-node.ts'

const MAIN = join(import.meta.dirname, '../../../services/secrets-broker/src/main.ts')

/** The secrets broker as a process of its own, over mTLS, at an address that stays. */
export interface BrokerProcess extends AsyncDisposable {
  readonly authority: Authority
  up(): Promise<void>
  down(): Promise<void>
  /** What a service logs in with: by its certificate. */
  envOf(caller: Caller): NodeJS.ProcessEnv
}

export async function startBrokerProcess(bao: Bao): Promise<BrokerProcess> {
  const authority = await makeAuthority()
  const at = (name: string) => join(authority.folder, name)
  await authority.sign('broker', ['DNS:localhost', 'IP:127.0.0.1'])
  for (const caller of CALLERS) await authority.sign(caller, [`DNS:${caller}`])
  const { roleId, secretId } = await brokerCredential(bao)
  await writeFile(at('secret-id'), secretId.reveal(), { mode: 0o600 })
  await writeFile(at('callers.json'), callersText)
  const port = await freePort()
  const vault = { VAULT_ADDR: bao.address, VAULT_CACERT: bao.caFile }
  let child: ChildProcess | undefined
  const up = async () => {
    child = spawn(process.execPath, [MAIN], {
      env: {
        ...vault,
        PATH: process.env['PATH'],
        PORT: String(port),
        CALLERS_FILE: at('callers.json'),
        TLS_CERT_FILE: at('broker.crt'),
        TLS_KEY_FILE: at('broker.key'),
        CLIENT_CA_FILE: at('ca.crt'),
        IDENTITIES_PER_MINUTE: '10000',
        VAULT_ROLE_ID: roleId,
        VAULT_SECRET_ID_FILE: at('secret-id'),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    child.once('exit', () => reject(new Error('the broker ended before it listened')))
    createInterface({ input: child.stdout ?? process.stdin }).on('line', (line) => {
      if (line.includes('"address"')) resolve()
    })
    await promise
  }
  const down = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await up()
  return {
    authority,
    up,
    down,
    envOf: (caller) => ({
      ...vault,
      SECRETS_BROKER_URL: `https://localhost:${port}`,
      SECRETS_BROKER_CA_FILE: at('ca.crt'),
      SECRETS_BROKER_CERT_FILE: at(`${caller}.crt`),
      SECRETS_BROKER_KEY_FILE: at(`${caller}.key`),
    }),
    async [Symbol.asyncDispose]() {
      await down()
      await authority[Symbol.asyncDispose]()
    },
  }
}

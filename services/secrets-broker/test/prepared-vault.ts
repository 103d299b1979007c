import { digestOf } from '@usdcop/service/auth'
import type { Credential } from '@usdcop/vault/login'
import { Secret } from '@usdcop/vault/secret'
import { initVault } from '../../../tests/config/support/init-vault.ts'
import type { Bao } from '../../../tests/support/openbao.ts'
import { until } from '../../../tests/support/until.ts'
import { BROKER } from '../src/callers.ts'

/** Services of this platform, as scripts/vault/init_vault.sh makes their roles. */
export const SERVICES = ['feature-server', 'materializer', 'inference-gateway'] as const
export type Service = (typeof SERVICES)[number]
/** Whoever the broker knows: the demo's feed is no service, and a caller as any. */
export const CALLERS = [...SERVICES, 'demo-feed'] as const
export type Caller = (typeof CALLERS)[number]
export const tokenOf = (service: Caller) => `marker-token-of-${service}`
export const as = (service: Caller) => ({ authorization: `Bearer ${tokenOf(service)}` })

/** Policies and roles as this platform has them, and a secret of each service. */
export async function prepareVault(bao: Bao): Promise<void> {
  const { code, output } = await initVault(bao)
  if (code !== 0) throw new Error(`init_vault.sh ended with ${code}: ${output}`)
  for (const service of SERVICES) {
    const data = { value: `marker-value-of-${service}` }
    // A new KV engine on disk answers nobody for a moment.
    const write = async () =>
      (await bao.ask('POST', `secret/data/services/${service}`, { data })).status === 200
    await until(write, 'a secret')
  }
}

/** What the broker logs in with: a secret id for many logins, as its own role gives them. */
export async function brokerCredential(bao: Bao): Promise<Credential & { kind: 'approle' }> {
  const at = `auth/approle/role/${BROKER}`
  const { body: id } = await bao.ask('GET', `${at}/role-id`)
  const { body: secret } = await bao.ask('POST', `${at}/secret-id`)
  const secretId = new Secret(secret.data.secret_id)
  return { kind: 'approle', roleId: id.data.role_id, secretId }
}

export const callersText = JSON.stringify(
  Object.fromEntries(
    CALLERS.map((service) => [
      service,
      {
        role: service,
        certificates: [`DNS:${service}`],
        tokens: [digestOf(tokenOf(service))],
        secrets: true,
      },
    ]),
  ),
)

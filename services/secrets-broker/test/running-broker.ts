import { readFile } from 'node:fs/promises'
import { digestOf } from '@usdcop/service/auth'
import { createRegistry } from '@usdcop/service/metrics'
import { createIdentity } from '@usdcop/vault/identity'
import type { Credential } from '@usdcop/vault/login'
import { Secret } from '@usdcop/vault/secret'
import { createVaultServer } from '@usdcop/vault/vault-server'
import { onTestFinished } from 'vitest'
import { initVault } from '../../../tests/config/support/init-vault.ts'
import type { Bao } from '../../../tests/support/openbao.ts'
import { until } from '../../../tests/support/until.ts'
import { createCallerSecrets } from '../src/caller-secrets.ts'
import { BROKER, parseCallers } from '../src/callers.ts'
import { createIssuer } from '../src/issuer.ts'
import { createBrokerMetrics } from '../src/metrics.ts'
import { logLines, testBroker } from './test-broker.ts'

/** Services of this platform, as scripts/vault/init_vault.sh makes their roles. */
export const SERVICES = ['feature-server', 'materializer', 'inference-gateway'] as const
export type Service = (typeof SERVICES)[number]
export const tokenOf = (service: Service) => `marker-token-of-${service}`
export const as = (service: Service) => ({ authorization: `Bearer ${tokenOf(service)}` })

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
    SERVICES.map((service) => [
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

export interface RunOptions {
  readonly ttlMs?: number
  readonly maxStaleMs?: number
  readonly cidrs?: readonly string[]
}

/** The broker in this process, over a real server; ends with the test. */
export async function runBroker(bao: Bao, options: RunOptions = {}) {
  const { ttlMs = 60_000, maxStaleMs = 900_000 } = options
  const registry = createRegistry(BROKER)
  const metrics = createBrokerMetrics(registry)
  const ca = bao.caFile === undefined ? undefined : await readFile(bao.caFile, 'utf8')
  const lines = logLines('trace')
  const server = createVaultServer({
    address: bao.address,
    tls: { ca },
    timeoutMs: 2_000,
    observe(event) {
      metrics.observe(event)
      lines.logger.debug(event, 'vault')
    },
  })
  const credential = await brokerCredential(bao)
  const identity = createIdentity(server, { name: BROKER, source: async () => credential })
  await identity.ready(AbortSignal.timeout(10_000))
  const issuer = createIssuer({ identity, wrapTtlSeconds: 60, secretIdTtlSeconds: 120 })
  const secrets = createCallerSecrets({ server, issuer, ttlMs, maxStaleMs })
  metrics.watchTokens(
    () => new Map([...secrets.tokensMsLeft(), [BROKER, identity.tokenMsLeft()] as const]),
  )
  const callers = parseCallers(
    options.cidrs === undefined
      ? callersText
      : callersText.replaceAll('"secrets":true', `"cidrs":${JSON.stringify(options.cidrs)}`),
  )
  const broker = testBroker({
    server,
    identity,
    issuer,
    secrets,
    callers,
    registry,
    metrics,
    lines,
  })
  const address = await broker.app.listen({ host: '127.0.0.1', port: 0 })
  const end = async () => {
    await broker.app.close()
    await broker.admin.close()
    await secrets[Symbol.asyncDispose]()
    await identity[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  }
  let ended: Promise<void> | undefined
  const endOnce = () => (ended ??= end())
  onTestFinished(endOnce)
  return { ...broker, address, secrets, identity, end: endOnce, credential }
}

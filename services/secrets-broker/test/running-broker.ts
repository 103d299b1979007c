import { readFile } from 'node:fs/promises'
import { createRegistry } from '@usdcop/service/metrics'
import { createIdentity } from '@usdcop/vault/identity'
import { createVaultServer } from '@usdcop/vault/vault-server'
import { onTestFinished } from 'vitest'
import type { Bao } from '../../../tests/support/openbao.ts'
import { createCallerSecrets } from '../src/caller-secrets.ts'
import { BROKER, parseCallers } from '../src/callers.ts'
import { createIssuer } from '../src/issuer.ts'
import { createBrokerMetrics } from '../src/metrics.ts'
import { brokerCredential, callersText } from './prepared-vault.ts'
import { logLines, testBroker } from './test-broker.ts'

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

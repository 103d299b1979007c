import type { Service } from './addresses.ts'
import { OUR_SERVERS } from './addresses.ts'
import { watchdogSince } from './alertmanager.ts'
import { assertWell, containerOf, projectContainers } from './docker.ts'
import { as, ask, askJson } from './http.ts'
import { logLines } from './loki.ts'
import { decisionSince, SYMBOL, servedFeatures } from './market.ts'
import { findExperiments } from './mlflow.ts'
import { activeTargets } from './prometheus.ts'
import { DEMO_ROLES } from './secrets.ts'
import { newCaller, spansOf } from './traces.ts'
import { loggedIn, readVaultSetup } from './vault.ts'

/** Throws until every container of the project runs and is healthy, and ours say that they are ready. */
export async function assertAllWell(signal: AbortSignal): Promise<void> {
  for (const container of await projectContainers(signal)) assertWell(container)
  for (const service of OUR_SERVERS) {
    const { status, text } = await ask(service, '/readyz', {}, signal)
    if (status !== 200) throw new Error(`${service} answers /readyz with ${status}: ${text}`)
  }
}

/**
 * What a restarted container must do again, beside being healthy: for each its own work, seen from
 * outside. It throws until then; `since` is when the container was up again.
 */
export const SERVES_AGAIN: Readonly<
  Record<Service, (since: number, signal: AbortSignal) => Promise<unknown>>
> = {
  redis: featuresAreServed,
  timescaledb: decisionSince,
  'feast-server': featuresAreServed,
  materializer: decisionSince,
  'inference-gateway': decisionSince,
  'demo-feed': decisionSince,
  'secrets-broker': brokerAnswers,
  vault: vaultIsSetUp,
  'vault-init': vaultIsSetUp,
  jaeger: tracesArrive,
  'otel-collector': tracesArrive,
  prometheus: targetsAreUp,
  alertmanager: watchdogSince,
  loki: linesArrive,
  alloy: linesArrive,
  'mlflow-db': experimentsAreFound,
  mlflow: experimentsAreFound,
  grafana: (_since, signal) => askJson('grafana', '/api/health', {}, signal),
}

async function featuresAreServed(since: number, signal: AbortSignal): Promise<void> {
  await decisionSince(since, signal)
  const gone = (await servedFeatures(SYMBOL, signal)).filter(({ status }) => status !== 'PRESENT')
  if (gone.length > 0)
    throw new Error(gone.map(({ name, status }) => `${name} is ${status}`).join(', '))
}

/**
 * A Vault in dev mode forgets everything: then somebody has to make it ready again, and everybody has to log in again, and
 * not by hand.
 */
async function vaultIsSetUp(_since: number, signal: AbortSignal): Promise<void> {
  const { mounts, auth, policies } = await readVaultSetup(signal)
  if (!('secret/' in mounts) || !('approle/' in auth) || !policies.includes('trading-policy'))
    throw new Error(
      `Vault has ${Object.keys({ ...mounts, ...auth }).join(' ')} and policies ${policies.join(' ')}`,
    )
  await allHaveLoggedIn(DEMO_ROLES, signal)
}

/** Its own health check asks Vault. */
async function brokerAnswers(_since: number, signal: AbortSignal): Promise<void> {
  assertWell(await containerOf('secrets-broker', signal))
  await allHaveLoggedIn(DEMO_ROLES, signal)
}

/** Throws until each of these holds a token of its own role. */
export async function allHaveLoggedIn(
  wanted: readonly string[],
  signal: AbortSignal,
  token?: string,
): Promise<void> {
  const roles = await loggedIn(signal, token)
  const missing = wanted.filter((role) => !roles.includes(role))
  if (missing.length > 0) throw new Error(`${missing.join(', ')} are not logged in`)
}

const asked = new Map<number, string>()

async function tracesArrive(since: number, signal: AbortSignal): Promise<void> {
  // One question a restart: the trace takes its time, and each probe looks for the same one.
  let traceId = asked.get(since)
  if (traceId === undefined) {
    const caller = newCaller()
    const headers = { ...as.writer(), traceparent: caller.traceparent }
    const question = { body: { symbol: SYMBOL }, headers }
    await askJson('inference-gateway', '/v1/decisions', question, signal)
    asked.set(since, caller.traceId)
    traceId = caller.traceId
  }
  await spansOf(traceId, signal)
}

async function targetsAreUp(_since: number, signal: AbortSignal): Promise<void> {
  const targets = await activeTargets(signal)
  const down = targets.filter(({ health }) => health !== 'up')
  if (targets.length === 0 || down.length > 0)
    throw new Error(
      `${targets.length} targets, not up: ${down.map((one) => one.scrapeUrl).join(' ')}`,
    )
}

async function linesArrive(since: number, signal: AbortSignal): Promise<void> {
  const lines = await logLines('{service=~".+"}', since, signal)
  if (lines.length === 0) throw new Error('no line of any service')
}

async function experimentsAreFound(_since: number, signal: AbortSignal): Promise<void> {
  const found = await findExperiments('Default', signal)
  if (found.length === 0) throw new Error('MLflow has lost its default experiment')
}

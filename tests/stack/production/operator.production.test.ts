import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROLES as ALL_ROLES } from '../../config/support/init-vault.ts'
import { vaultState } from '../../support/vault-state.ts'
import { OUR_SERVERS, OURS } from '../support/addresses.ts'
import { databaseUsers } from '../support/database.ts'
import { assertWell, containerOf, docker, projectContainers } from '../support/docker.ts'
import { eventually } from '../support/eventually.ts'
import { given } from '../support/given.ts'
import { as, ask, askJson } from '../support/http.ts'
import { allHaveLoggedIn, assertAllWell } from '../support/recovery.ts'
import { type Needle, ROLES, secretsInVault, secretsOfTheBroker } from '../support/secrets.ts'
import { whileAsking } from '../support/steady-requests.ts'
import { lentTokens, withVaultToken } from '../support/vault.ts'
import { documentedWork, Operator } from './operator.ts'
import { foundIn, placesOf } from './told.ts'

const WELL_MS = 120_000
const BROKER = 'secrets-broker'
const RUN_BY_US = OURS.filter((service) => service !== 'demo-feed')
const work = documentedWork()
const unseal = [work.line('operator unseal')]
const runInit = [work.line('read -rs VAULT_TOKEN'), work.line('init_vault.sh')]

let operator: Operator
/** What Vault knew before the first root token was revoked. */
let before: unknown
const known: Needle[] = []

beforeAll(async () => {
  operator = await Operator.sitDown(AbortSignal.timeout(10_000))
})
afterAll(async () => {
  await operator[Symbol.asyncDispose]()
})

describe('The production stack, opened by an operator', { timeout: 5 * WELL_MS }, () => {
  test('waits until then: Vault has no keys, ours have no identity, all else runs', async ({
    signal,
  }) => {
    expect(await ask('vault', '/v1/sys/health', {}, signal)).toMatchObject({ status: 501 })
    await eventually(
      'nobody else to be awaited',
      async (until) => {
        const awaited = (await projectContainers(until)).filter((one) => !isWell(one))
        expect(awaited.map(({ service }) => service)).toEqual(
          [...RUN_BY_US, 'vault', 'vault-init'].toSorted(),
        )
      },
      { signal, withinMs: WELL_MS },
    )
  })

  test('comes up by the commands of the page, and every container is healthy', async ({
    signal,
  }) => {
    await operator.follow(work.open, signal)
    await assertAllWell(signal)
    expect((await projectContainers(signal)).filter((one) => !isWell(one))).toEqual([])
  })

  test('has a Vault that keeps itself in raft, speaks TLS alone, and is no development server', async ({
    signal,
  }) => {
    const raft = await vault('sys/storage/raft/configuration', signal)
    expect(raft).toMatchObject({ config: { servers: [{ node_id: 'vault-1', voter: true }] } })
    const plain = `http://${given.host}:8200/v1/sys/health`
    expect((await fetch(plain, { signal })).status).toBe(400)
    const { Args, Config } = await containerOf('vault', signal)
    expect(Args.join(' ')).not.toContain('-dev')
    expect(Config.Env).toContain('VAULT_DEV_ROOT_TOKEN_ID=')
    const asAnybody = { headers: withVaultToken('devtoken') }
    expect(await ask('vault', '/v1/sys/mounts', asAnybody, signal)).toMatchObject({ status: 403 })
  })

  test('writes down what is asked of Vault, and no value', async ({ signal }) => {
    expect(await vault('sys/audit', signal)).toMatchObject({ 'file/': { type: 'file' } })
    known.push(...(await secretsInVault(signal, operator.rootToken)))
    expect(known.length).toBeGreaterThan(8)
    const written = await auditLog(signal)
    expect(written).toContain('"path":"secret/data/trading/redis"')
    expect(foundIn('the audit log', written, known)).toEqual([])
  })

  test('gives each service its own token and database user, and answers who has a key', async ({
    signal,
  }) => {
    await allHaveLoggedIn(ROLES, signal, operator.rootToken)
    const users = await databaseUsers(signal)
    expect(users.map((user) => /^v-approle-(?<role>[a-z]+)/.exec(user)?.groups?.['role'])).toEqual(
      expect.arrayContaining([expect.stringMatching(/^mater/), expect.stringMatching(/^infer/)]),
    )
    expect(users.filter((user) => !user.startsWith('v-approle-'))).toEqual([])
    await pushedIsServed(signal)
  })

  test('leaves vault-init a token for the broker’s secret ids, and nobody another root token', async ({
    signal,
  }) => {
    const { Config } = await containerOf('vault-init', signal)
    expect(Config.Env).toContain('VAULT_TOKEN=')
    const issuer = await issuerToken(signal)
    known.push({ file: 'the token of vault-init', text: issuer })
    expect(await vault('auth/token/lookup-self', signal, issuer)).toMatchObject({
      policies: ['secrets-broker-issuer-policy'],
    })
    const tokens = await lentTokens(signal, operator.rootToken)
    expect(tokens.filter(({ policies }) => policies.includes('root'))).toHaveLength(1)
  })

  test('is set up a second time: nothing changes but the broker’s secret id, whose former one ends', async ({
    signal,
  }) => {
    before = await stateOf(signal)
    const [former] = await secretsOfTheBroker(signal)
    await operator.follow(runInit, signal)
    const patience = { signal, withinMs: WELL_MS }
    const [newer] = await eventually(
      'another secret id of the broker, and no other beside it',
      async (until) => {
        const found = await secretsOfTheBroker(until)
        const { keys } = (await vault(`${BROKER_ROLE}/secret-id?list=true`, until)) as Keys
        if (found[0]?.text === former?.text || found.length > 1 || keys.length > 1)
          throw new Error(`${found.length} files, ${keys.length} secret ids in Vault`)
        return found
      },
      patience,
    )
    for (const one of [former, newer]) if (one !== undefined) known.push(one)
    expect(await stateOf(signal)).toEqual(before)
    await eventually('all containers to be well', assertAllWell, patience)
  })

  test('serves on while Vault is sealed, and nothing restarts when it is opened', async ({
    signal,
  }) => {
    const begun = await startsOf(signal)
    const tally = await whileAsking(async (until) => {
      const question = { method: 'PUT', headers: withVaultToken(operator.rootToken) } as const
      expect(await ask('vault', '/v1/sys/seal', question, until)).toMatchObject({ status: 204 })
      expect(await ask('vault', '/v1/sys/health', {}, until)).toMatchObject({ status: 503 })
      await operator.follow(unseal, until)
      await recovered(until)
    }, signal)
    expect(tally.failures).toEqual([])
    expect(tally.answered).toBeGreaterThan(20)
    expect(await startsOf(signal)).toEqual(begun)
    await allHaveLoggedIn(ROLES, signal, operator.rootToken)
  })

  test('has no root token any more once the operator has gone', async ({ signal }) => {
    const { rootToken } = operator
    known.push({ file: 'the first root token', text: rootToken })
    await operator.follow(work.leave, signal)
    const question = { headers: withVaultToken(rootToken) }
    expect(await ask('vault', '/v1/auth/token/lookup-self', question, signal)).toMatchObject({
      status: 403,
    })
    const issuer = { headers: withVaultToken(await issuerToken(signal)) }
    expect(await ask('vault', '/v1/auth/token/lookup-self', issuer, signal)).toMatchObject({
      status: 200,
    })
  })

  test.for(RUN_BY_US)('needs no hands when %s restarts', async (service, { signal }) => {
    const { Id } = await containerOf(service, signal)
    await docker(['restart', Id], signal)
    await recovered(signal)
    expect((await containerOf(service, signal)).State.Health?.Status).toBe('healthy')
  })

  test('needs two keys and nothing else when the container of Vault restarts', async ({
    signal,
  }) => {
    const { Id } = await containerOf('vault', signal)
    const tally = await whileAsking(async (until) => {
      await docker(['restart', Id], until)
      await sealed(until)
      await operator.follow(unseal, until)
      await recovered(until)
    }, signal)
    expect(tally.failures).toEqual([])
    expect(tally.answered).toBeGreaterThan(20)
  })

  test('comes back from a restart of the machine by keys, a root token anew and init_vault.sh', async ({
    signal,
  }) => {
    const ids = (await projectContainers(signal)).map(({ Id }) => Id)
    await docker(['kill', ...ids], signal)
    await docker(['start', ...ids], signal)
    await sealed(signal)
    await operator.follow([...unseal, ...work.comeBack, ...runInit], signal)
    await recovered(signal)
    expect(await stateOf(signal)).toEqual(before)
    known.push(...(await secretsInVault(signal, operator.rootToken)))
    await operator.follow([work.line('revoke -self')], signal)
  })

  test('tells no token, key, secret id or seed: not in logs, in what Docker shows, or in arguments', async ({
    signal,
  }) => {
    const issuer = { file: 'the token of vault-init', text: await issuerToken(signal) }
    const own = operator.secrets.map((text) => ({ file: 'what an operator alone knows', text }))
    const needles = [...known, ...own, issuer, ...(await secretsOfTheBroker(signal))]
    expect(own).toHaveLength(5)
    const { looked, found } = await placesOf(needles, await auditLog(signal), signal)
    expect(looked).toBeGreaterThan(30)
    expect(found).toEqual([])
  })
})

const BROKER_ROLE = `auth/approle/role/${BROKER}`
interface Keys {
  readonly keys: readonly string[]
}

function isWell(container: Parameters<typeof assertWell>[0]): boolean {
  try {
    assertWell(container)
    return true
  } catch {
    return false
  }
}

/** The data at a path of Vault, with the newest root token unless another one is given. */
async function vault(
  path: string,
  signal: AbortSignal,
  token = operator.rootToken,
): Promise<unknown> {
  const question = { headers: withVaultToken(token) }
  return (await askJson<{ data: unknown }>('vault', `/v1/${path}`, question, signal)).data
}

async function stateOf(signal: AbortSignal): Promise<unknown> {
  const headers = withVaultToken(operator.rootToken)
  return await vaultState(async (path, method = 'GET') => {
    const listing = method === 'LIST' ? '?list=true' : ''
    const { status, text } = await ask('vault', `/v1/${path}${listing}`, { headers }, signal)
    if (status !== 200 && status !== 404) throw new Error(`${path} answered ${status}`)
    return (JSON.parse(text) as { data?: unknown }).data
  }, ALL_ROLES)
}

async function auditLog(signal: AbortSignal): Promise<string> {
  const { Id } = await containerOf('vault', signal)
  return await docker(['exec', Id, 'cat', '/vault/logs/audit.log'], signal)
}

async function issuerToken(signal: AbortSignal): Promise<string> {
  const { Id } = await containerOf('vault-init', signal)
  return (await docker(['exec', Id, 'cat', '/run/broker/vault-init-done.token'], signal)).trim()
}

/** When each container was started; another instant is a restart. */
async function startsOf(signal: AbortSignal): Promise<readonly string[]> {
  const containers = await projectContainers(signal)
  return containers.map(({ service, State }) => `${service} ${State.StartedAt}`)
}

async function sealed(signal: AbortSignal): Promise<void> {
  const looked = async (until: AbortSignal) => {
    const { status } = await ask('vault', '/v1/sys/health', {}, until)
    if (status !== 503) throw new Error(`Vault answers ${status}`)
  }
  await eventually('a sealed Vault', looked, { signal, withinMs: WELL_MS })
}

async function recovered(signal: AbortSignal): Promise<void> {
  const patience = { signal, withinMs: WELL_MS }
  await eventually('all containers to be well', assertAllWell, patience)
  await eventually('answers of all of ours', allAnswer, patience)
  await pushedIsServed(signal)
}

async function allAnswer(signal: AbortSignal): Promise<void> {
  for (const service of OUR_SERVERS) {
    const { status } = await ask(service, '/metrics', { headers: as.reader() }, signal)
    if (status !== 200) throw new Error(`${service} answers ${status}`)
  }
}

/** A value goes into Redis and comes out again, each with a key of its own. */
async function pushedIsServed(signal: AbortSignal): Promise<void> {
  const now = new Date().toISOString()
  const position = Number(now.slice(17, 19)) / 60
  const df = {
    symbol: ['PUSHED/COP'],
    position: [position],
    time_normalized: [0.25],
    event_timestamp: [now],
    created: [now],
  }
  const push = { push_source_name: 'state_push', df, to: 'online' }
  const pushed = { body: push, headers: as.writer() }
  expect(await ask('feast-server', '/push', pushed, signal)).toMatchObject({ status: 200 })
  const body = { features: ['state_features:position'], entities: { symbol: df.symbol } }
  const path = '/get-online-features'
  const served = await askJson<{ results: { values: unknown[] }[] }>(
    'feast-server',
    path,
    { body, headers: as.reader() },
    signal,
  )
  expect(served.results.at(-1)?.values).toEqual([position])
  expect(await ask('feast-server', path, { body }, signal)).toMatchObject({ status: 401 })
}

import { describe, expect, test } from 'vitest'
import { OUR_SERVERS, OURS } from './support/addresses.ts'
import { databaseUsers } from './support/database.ts'
import { containerOf, logOf, projectContainers, runNodeInside } from './support/docker.ts'
import { eventually } from './support/eventually.ts'
import { secret } from './support/given.ts'
import { as, ask } from './support/http.ts'
import { ASK_AS_OPERATOR } from './support/inside.ts'
import { query } from './support/prometheus.ts'
import { DEMO_ROLES, secretNeedles, secretsInVault, secretsOfTheBroker } from './support/secrets.ts'
import { whileAsking } from './support/steady-requests.ts'
import { newestTraces } from './support/traces.ts'
import { kvFields, loggedIn, revokeTokensOf } from './support/vault.ts'

/** A service looks at its secrets each minute, unless VAULT_CACHE_TTL says more often. */
const PATIENCE_MS = 120_000
const BROKER = 'secrets-broker'

describe('Secrets', { timeout: 2 * PATIENCE_MS }, () => {
  test.for(OURS)(
    '%s is given its own certificate and key and no other secret',
    async (service, { signal }) => {
      const { Mounts } = await containerOf(service, signal)
      const mounted = Mounts.map(({ Destination }) => Destination).filter((path) =>
        path.startsWith('/run/secrets/'),
      )
      const name = service === 'feast-server' ? 'feature-server' : service
      const own = ['ca.crt', `${name}.crt`, `${name}.key`].map((file) => `/run/secrets/${file}`)
      expect(mounted.toSorted()).toEqual(own)
    },
  )

  test('each of our services holds a token of its own role, got with what the broker gave it', async ({
    signal,
  }) => {
    expect(await loggedIn(signal)).toEqual(expect.arrayContaining(DEMO_ROLES))
    const lines = await linesOf(BROKER, signal)
    const issued = lines.filter(
      ({ action, outcome, way }) =>
        action === 'identity.issue' && outcome === 'ok' && way === 'certificate',
    )
    expect(new Set(issued.map(({ caller }) => caller))).toEqual(
      new Set(DEMO_ROLES.filter((role) => role !== BROKER)),
    )
  })

  test('the database is used as users that Vault has made, and Redis as one who may not rule it', async ({
    signal,
  }) => {
    const users = await databaseUsers(signal)
    expect(users.length).toBeGreaterThanOrEqual(2)
    expect(users.filter((user) => !user.startsWith('v-approle-'))).toEqual([])
    expect(await kvFields('trading/redis', signal)).toMatchObject({ user: 'usdcop' })
  })

  test('the broker changes the password of Redis, and no request fails', async ({ signal }) => {
    const before = await kvFields('trading/redis', signal)
    const broker = await containerOf(BROKER, signal)
    const told = { key: secret('operator_key'), method: 'POST', path: '/v1/rotations/redis' }
    const tally = await whileAsking(async (until) => {
      const { status } = await runNodeInside<{ status: number }>(
        broker,
        ASK_AS_OPERATOR,
        told,
        until,
      )
      expect(status).toBe(200)
      await eventually(
        'all services to have read the new password',
        async () => {
          const [first] = await query('min(usdcop_secrets_broker_redis_passwords_accepted)', until)
          if (first?.value !== 2) throw new Error(`${first?.value} passwords are accepted`)
        },
        { signal: until, withinMs: PATIENCE_MS },
      )
    }, signal)
    expect(tally.failures).toEqual([])
    expect(tally.answered).toBeGreaterThan(20)
    const after = await kvFields('trading/redis', signal)
    expect(after['password']).not.toBe(before['password'])
    const stranger = { ...told, key: secret('reader_key') }
    expect(await runNodeInside(broker, ASK_AS_OPERATOR, stranger, signal)).toMatchObject({
      status: 401,
    })
  })

  test('a service whose token and database user are withdrawn gets others, and no request fails', async ({
    signal,
  }) => {
    const before = await databaseUsers(signal)
    const tally = await whileAsking(async (until) => {
      await revokeTokensOf('materializer', until)
      await revokeTokensOf('inference-gateway', until)
      await eventually(
        'two other users in the database',
        async (within) => {
          const now = await databaseUsers(within)
          const others = now.filter((user) => !before.includes(user))
          if (others.length < 2) throw new Error(`${now.join(' ')} were ${before.join(' ')}`)
        },
        { signal: until, withinMs: PATIENCE_MS },
      )
    }, signal)
    expect(tally.failures).toEqual([])
    expect(tally.answered).toBeGreaterThan(20)
    expect(await loggedIn(signal)).toEqual(expect.arrayContaining(DEMO_ROLES))
  })

  test('no log line, no trace and no metric holds one of them', async ({ signal }) => {
    const needles = [
      ...secretNeedles(),
      ...(await secretsInVault(signal)),
      ...(await secretsOfTheBroker(signal)),
    ]
    const found = async (where: string, text: string) =>
      needles.filter((needle) => text.includes(needle.text)).map(({ file }) => `${where}: ${file}`)
    const containers = await projectContainers(signal)
    const logs = containers.map(async (one) =>
      found(`the log of ${one.service}`, await logOf(one, signal)),
    )
    const traces = [...OUR_SERVERS.map(tracedAs), BROKER].map(async (service) => {
      const spans = await newestTraces(service, signal)
      // The broker may have been asked nothing for an hour.
      if (service !== BROKER && spans.length === 0) throw new Error(`no trace of ${service}`)
      return found(`the traces of ${service}`, JSON.stringify(spans))
    })
    const metrics = OUR_SERVERS.map(async (service) => {
      const { status, text } = await ask(service, '/metrics', { headers: as.reader() }, signal)
      expect(status).toBe(200)
      return found(`the metrics of ${service}`, text)
    })
    const series = await query('{__name__=~"usdcop_.+"}', signal)
    expect(series.length).toBeGreaterThan(100)
    const known = found('Prometheus', JSON.stringify(series))
    expect(needles.length).toBeGreaterThan(15)
    expect((await Promise.all([...logs, ...traces, ...metrics, known])).flat()).toEqual([])
  })
})

interface AuditLine {
  readonly audit?: boolean
  readonly action?: string
  readonly outcome?: string
  readonly way?: string
  readonly caller?: string
}

async function linesOf(service: string, signal: AbortSignal): Promise<readonly AuditLine[]> {
  const text = await logOf(await containerOf(service, signal), signal)
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as AuditLine)
}

function tracedAs(service: string): string {
  return service === 'feast-server' ? 'feature-server' : service
}

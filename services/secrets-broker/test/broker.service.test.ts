import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HOSTILE_PATHS } from '../../../packages/vault/test/traversal-corpus.ts'
import {
  type Bao,
  startDevelopmentBao,
  startProductionBao,
} from '../../../tests/support/openbao.ts'
import { ask } from './ask.ts'
import { as, prepareVault, SERVICES, type Service } from './prepared-vault.ts'
import { runBroker } from './running-broker.ts'
import { bearer, TOKENS } from './test-broker.ts'

let bao: Bao
beforeAll(async () => {
  bao = await startDevelopmentBao()
  await prepareVault(bao)
})
afterAll(() => bao[Symbol.asyncDispose]())

/** A caller's own way from the answer to a token. */
async function logIn(identity: { wrappingToken: string; roleId: string }) {
  const { wrappingToken, roleId } = identity
  const unwrapped = await bao.ask('POST', 'sys/wrapping/unwrap', undefined, wrappingToken)
  const credential = { role_id: roleId, secret_id: unwrapped.body?.data?.secret_id }
  const login = await bao.ask('POST', 'auth/approle/login', credential, '')
  return { unwrapped, login, credential }
}

const read = (address: string, service: Service, path: string) =>
  ask(address, `/v1/secrets/${path}`, { headers: as(service) })

describe('an identity', () => {
  test('is unwrapped once, logs in once, reads its own secret and is denied another’s', async () => {
    const { address } = await runBroker(bao)
    const answer = await ask(address, '/v1/identity', {
      method: 'POST',
      headers: as('materializer'),
    })
    expect([answer.status, answer.body.creationPath, answer.body.wrapTtlSeconds]).toEqual([
      201,
      'auth/approle/role/materializer/secret-id',
      60,
    ])
    const { login, credential } = await logIn(answer.body)
    expect(login.status).toBe(200)
    const { client_token: token } = login.body.auth
    const own = await bao.ask('GET', 'secret/data/services/materializer', undefined, token)
    expect(own.body.data.data.value).toBe('marker-value-of-materializer')
    const other = await bao.ask('GET', 'secret/data/services/feature-server', undefined, token)
    expect(other.status).toBe(403)

    const again = await bao.ask('POST', 'sys/wrapping/unwrap', undefined, answer.body.wrappingToken)
    expect([again.status, JSON.stringify(again.body)]).toEqual([
      400,
      expect.stringContaining('wrapping token is not valid'),
    ])
    const twice = await bao.ask('POST', 'auth/approle/login', credential, '')
    expect(twice.status).toBe(400)
  })

  test('bound to an address is of no use from another', async () => {
    const { address } = await runBroker(bao, { cidrs: ['10.9.9.9/32'] })
    const answer = await ask(address, '/v1/identity', {
      method: 'POST',
      headers: as('materializer'),
    })
    const { unwrapped, login } = await logIn(answer.body)
    expect([answer.status, unwrapped.status]).toEqual([201, 200])
    expect([400, 403]).toContain(login.status)
  })

  test('is not to be had without being known', async () => {
    const { address } = await runBroker(bao)
    const issued = async () =>
      (await bao.auditLog()).filter(({ request }) => request.path.endsWith('/secret-id')).length
    const before = await issued()
    for (const headers of [{}, bearer('wrong'), { ...as('materializer'), host: 'evil.example' }]) {
      const { status } = await ask(address, '/v1/identity', { method: 'POST', headers })
      expect([401, 403]).toContain(status)
    }
    expect(await issued()).toBe(before)
  })

  test('is told of with what is left of it, and what is kept for whom', async () => {
    const { address, deps } = await runBroker(bao)
    await ask(address, '/v1/identity', { method: 'POST', headers: as('materializer') })
    const left = deps.issuer.msLeft().get('materializer') ?? 0
    expect(left).toBeGreaterThan(110_000)
    expect(left).toBeLessThanOrEqual(120_000)
    await read(address, 'materializer', 'services/materializer')
    expect(deps.secrets.holds().get('materializer')?.secrets).toBe(1)
    deps.secrets.flush()
    expect(deps.secrets.holds().get('materializer')).toEqual({ secrets: 0, oldestMs: 0 })
    expect([deps.issuer.msLeft().size, deps.secrets.holds().size]).toEqual([1, 1])
  })

  test('of a role that Vault does not let the broker issue for is a fault of ours', async () => {
    const { deps } = await runBroker(bao)
    const caller = { name: 'x', role: 'trading', cidrs: [], secrets: false }
    await expect(deps.issuer.issue(caller, AbortSignal.timeout(5_000))).rejects.toMatchObject({
      code: 'vault_refused',
      message: expect.stringContaining('secret_denied'),
    })
  })
})

describe('secrets', () => {
  test('are read under the caller’s own role: its own, and nobody else’s', async () => {
    const { address } = await runBroker(bao)
    for (const service of SERVICES)
      for (const other of SERVICES) {
        const { status, body } = await read(address, service, `services/${other}`)
        const got = [status, body.fields?.value ?? body.error.code]
        const own = [200, `marker-value-of-${service}`]
        expect(got).toEqual(service === other ? own : [403, 'secret_denied'])
      }
  })

  test('1,000 cold reads at once by each of two callers are two requests to Vault', async () => {
    const { app } = await runBroker(bao)
    const before = (await bao.auditLog()).length
    const readers = (['materializer', 'feature-server'] as const).flatMap((service) =>
      Array.from({ length: 1_000 }, async () => {
        const url = `/v1/secrets/services/${service}`
        const answer = await app.inject({ url, headers: as(service) })
        return answer.json().fields.value === `marker-value-of-${service}`
      }),
    )
    expect((await Promise.all(readers)).every((own) => own)).toBe(true)
    const asked = (await bao.auditLog()).slice(before).filter(({ type }) => type === 'request')
    const count = (path: string) => asked.filter(({ request }) => request.path === path).length
    expect(count('secret/data/services/materializer')).toBe(1)
    expect(count('secret/data/services/feature-server')).toBe(1)
    expect(count('auth/approle/login')).toBe(2)
    expect(asked.filter(({ request }) => request.path.endsWith('/secret-id'))).toHaveLength(2)
  })

  test(`${HOSTILE_PATHS.length} hostile paths over HTTP reach nothing outside the mount`, async () => {
    const { address, identity } = await runBroker(bao)
    await read(address, 'materializer', 'services/materializer')
    const before = (await bao.auditLog()).length
    let refused = 0
    for (const path of HOSTILE_PATHS) {
      // What no HTTP client could send as it stands goes encoded alone.
      const raw = /^[\x21-\x7e]*$/.test(path) ? [path] : []
      for (const sent of [encodeURIComponent(path.toWellFormed()), ...raw]) {
        const answer = await read(address, 'materializer', sent)
        expect(answer.status).not.toBe(200)
        refused += 1
      }
    }
    expect(refused).toBeGreaterThan(500)
    expect(identity.tokenMsLeft()).toBeGreaterThan(0)
    const reached = new Set((await bao.auditLog()).slice(before).map(({ request }) => request.path))
    // `a?version=1`, `a#b` as they stand are the path `a`, which the policy denies.
    for (const path of reached)
      expect(path).toMatch(/^(?:secret\/data\/[\w.-]+(?:\/[\w.-]+)*|auth\/token\/lookup-self)$/)
    for (const path of reached) expect(path).not.toContain('..')
  })

  test('a rotated caller logs in anew, its old token is gone, and no read fails meanwhile', async () => {
    const { app, admin } = await runBroker(bao, { ttlMs: 0 })
    const accessors = async () => (await bao.ask('LIST', 'auth/token/accessors')).body.data.keys
    const url = '/v1/secrets/services/materializer'
    const get = () => app.inject({ url, headers: as('materializer') })
    await get()
    const before: string[] = await accessors()
    const statuses: number[] = []
    for (let round = 0; round < 5; round += 1) {
      const reads = Array.from({ length: 20 }, get)
      const rotation = await admin.inject({
        method: 'POST',
        url: '/v1/callers/materializer/rotation',
        headers: bearer(TOKENS.admin),
      })
      expect(rotation.statusCode).toBe(204)
      statuses.push(...(await Promise.all(reads)).map(({ statusCode }) => statusCode))
    }
    await get()
    expect(new Set(statuses)).toEqual(new Set([200]))
    // OpenBao may still be about to forget the last.
    await expect.poll(accessors, { timeout: 5_000 }).toHaveLength(before.length)
    const after: string[] = await accessors()
    expect(after.filter((accessor) => before.includes(accessor))).toHaveLength(before.length - 1)
  })

  test('a revoked caller gets nothing, kept or fresh, and its token is revoked in Vault', async () => {
    const { app, admin } = await runBroker(bao)
    const accessors = async () => (await bao.ask('LIST', 'auth/token/accessors')).body.data.keys
    const get = () =>
      app.inject({ url: '/v1/secrets/services/materializer', headers: as('materializer') })
    const before = (await accessors()).length
    expect((await get()).statusCode).toBe(200)
    expect(await accessors()).toHaveLength(before + 1)
    const headers = bearer(TOKENS.admin)
    const url = '/v1/callers/materializer/revocation'
    expect((await admin.inject({ method: 'POST', url, headers })).statusCode).toBe(204)
    expect(await accessors()).toHaveLength(before)
    expect((await get()).json().error.code).toBe('forbidden')
    expect((await admin.inject({ method: 'DELETE', url, headers })).statusCode).toBe(204)
    expect((await get()).headers['x-cache']).toBe('MISS')
  })

  test('a flush shows a change at once; until then it is kept', async () => {
    const { app, admin } = await runBroker(bao)
    const at = 'secret/data/services/inference-gateway'
    await bao.ask('POST', at, { data: { value: 'old' } })
    const get = async () => {
      const url = '/v1/secrets/services/inference-gateway'
      const answer = await app.inject({ url, headers: as('inference-gateway') })
      return [answer.json().fields.value, answer.headers['x-cache']]
    }
    expect(await get()).toEqual(['old', 'MISS'])
    await bao.ask('POST', at, { data: { value: 'marker-value-of-inference-gateway' } })
    expect(await get()).toEqual(['old', 'HIT'])
    await admin.inject({ method: 'DELETE', url: '/v1/cache', headers: bearer(TOKENS.admin) })
    expect(await get()).toEqual(['marker-value-of-inference-gateway', 'MISS'])
  })

  test('the broker’s end revokes its own token and each that it held for a caller', async () => {
    const accessors = async () => (await bao.ask('LIST', 'auth/token/accessors')).body.data.keys
    const before = (await accessors()).length
    const { address, end } = await runBroker(bao)
    for (const service of SERVICES) await read(address, service, `services/${service}`)
    expect(await accessors()).toHaveLength(before + 4)
    await end()
    expect(await accessors()).toHaveLength(before)
  })
})

test('nothing secret is in its log, metrics or errors, with every log on and every request failing', async () => {
  await using vault = await startDevelopmentBao()
  await prepareVault(vault)
  const { app, address, lines, registry, credential, admin } = await runBroker(vault)
  const bodies: string[] = []
  const handedOut: string[] = []
  const everything = async () => {
    for (const service of SERVICES) {
      const identity = await ask(address, '/v1/identity', { method: 'POST', headers: as(service) })
      if (identity.status === 201) handedOut.push(identity.body.wrappingToken)
      else bodies.push(identity.text)
      for (const path of ['services/materializer', 'trading/redis', 'marker-value-x%00', 'a'])
        for (const headers of [as(service), bearer('marker-wrong'), {}]) {
          const answer = await ask(address, `/v1/secrets/${path}?fresh=true`, { headers })
          if (answer.status !== 200) bodies.push(answer.text)
        }
    }
    const malformed = { ...as('materializer'), 'content-type': 'application/json' }
    const payload = '{"secret_id":"marker-body'
    const bad = { method: 'POST', url: '/v1/identity', headers: malformed, payload } as const
    bodies.push((await app.inject(bad)).body)
    bodies.push((await admin.inject({ url: '/v1/callers', headers: bearer('marker-admin') })).body)
  }
  await everything()
  await vault.down()
  await everything()
  expect(handedOut.length).toBe(SERVICES.length)
  expect(bodies.length).toBeGreaterThan(40)
  const told = [...lines.texts, await registry.metrics(), ...bodies].join('\n')
  expect(told.length).toBeGreaterThan(20_000)
  expect(told).toContain('vault_unavailable')
  expect(told).not.toContain('marker')
  expect(told).not.toContain(credential.secretId.reveal())
  for (const token of handedOut) expect(told).not.toContain(token)
  expect(told).not.toMatch(/\b[sb]\.[A-Za-z0-9]{24}/)
})

test('tells sealed from away, keeps a read secret for a while, and comes back by itself', async () => {
  await using vault = await startProductionBao()
  await prepareVault(vault)
  const { address, registry } = await runBroker(vault, { ttlMs: 0, maxStaleMs: 60_000 })
  const get = (path: string) => read(address, 'materializer', path)
  const state = async () => {
    const { status, body } = await ask(address, '/readyz')
    return [status, body.states.vault]
  }
  const issue = async () => {
    const asked = { method: 'POST', headers: as('materializer') }
    const { status, body } = await ask(address, '/v1/identity', asked)
    return [status, body.error?.code]
  }
  const first = await get('services/materializer')
  expect([first.status, first.body.error?.code, first.headers['x-cache']]).toEqual([
    200,
    undefined,
    'MISS',
  ])
  expect(await state()).toEqual([200, 'active'])
  const together = await Promise.all(Array.from({ length: 20 }, issue))
  expect(together).toEqual(Array.from({ length: 20 }, () => [201, undefined]))

  await vault.ask('PUT', 'sys/seal')
  await expect.poll(state).toEqual([503, 'sealed'])
  await expect.poll(issue).toEqual([503, 'vault_sealed'])
  const stale = await get('services/materializer')
  expect([stale.status, stale.headers['x-cache'], stale.body.source]).toEqual([
    200,
    'STALE',
    'stale',
  ])
  expect((await get('trading/redis')).body.error.code).toBe('vault_sealed')
  expect(
    (
      await ask(address, '/v1/secrets/services/materializer?fresh=true', {
        headers: as('materializer'),
      })
    ).body.error.code,
  ).toBe('vault_sealed')
  // What was never read by another caller does not stand in for it.
  expect((await read(address, 'feature-server', 'services/materializer')).status).toBe(503)
  expect(await registry.metrics()).toMatch(
    /usdcop_secrets_broker_reads_total\{identity="materializer",answer="stale",.*\} 1/,
  )

  await vault.unseal()
  await expect.poll(issue, { timeout: 20_000 }).toEqual([201, undefined])
  expect(await state()).toEqual([200, 'active'])
  expect((await get('services/materializer')).headers['x-cache']).toBe('MISS')

  await vault.down()
  await expect.poll(state).toEqual([503, 'unreachable'])
  await expect.poll(issue).toEqual([503, 'vault_unavailable'])
})

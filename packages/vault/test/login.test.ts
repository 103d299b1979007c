import type { ServiceError } from '@usdcop/service/errors'
import { ServiceError as Fault } from '@usdcop/service/errors'
import { describe, expect, test } from 'vitest'
import type { VaultEvent } from '../src/events.ts'
import { type Credential, type CredentialSource, createLogin } from '../src/login.ts'
import { Secret } from '../src/secret.ts'
import type { Ask, VaultClient } from '../src/vault-server.ts'
import { createSimulatedClock } from './simulated-clock.ts'

const { signal } = new AbortController()
const AUTH = { auth: { client_token: 'a-token', lease_duration: 3_600, renewable: true } }
const CREATION_PATH = 'auth/approle/role/trading/secret-id'
const approle = (text: string): Credential => ({
  kind: 'approle',
  roleId: 'role',
  secretId: new Secret(text),
})
const wrapped = (text: string): Credential => ({
  kind: 'wrapped',
  roleId: 'role',
  wrappingToken: new Secret(text),
  creationPath: CREATION_PATH,
})

/** A client that answers by path, and a login over it. */
function setUp(source: CredentialSource, answers: Readonly<Record<string, (ask: Ask) => unknown>>) {
  const asked: {
    readonly path: string
    readonly token: string | undefined
    readonly body: unknown
  }[] = []
  const events: VaultEvent[] = []
  const client: VaultClient = {
    async call(token, ask) {
      asked.push({ path: ask.path, token: token?.reveal(), body: ask.body })
      const answer = answers[ask.path]
      if (answer === undefined) throw new Fault('vault_refused', `nothing at ${ask.path}`)
      return answer(ask)
    },
  }
  const clock = createSimulatedClock()
  const observe = (event: VaultEvent) => void events.push(event)
  return {
    login: createLogin({ client, identity: 'a', clock, observe, source }),
    asked,
    events,
    clock,
  }
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'logged in',
    (error: ServiceError) => error.code,
  )
const refuse = () => {
  throw new Fault('vault_login_refused', 'no')
}

test('logs in with a role and a secret id, and sends no token along', async () => {
  const { login, asked } = setUp(async () => approle('secret-id'), {
    'auth/approle/login': () => AUTH,
  })
  const { value, grant } = await login(signal)
  expect(value.token.reveal()).toBe('a-token')
  expect(grant).toEqual({ grantedAt: 0, durationMs: 3_600_000, renewable: true })
  const body = { role_id: 'role', secret_id: 'secret-id' }
  expect(asked).toEqual([{ path: 'auth/approle/login', token: undefined, body }])
})

test('takes a given token for as long as it lives, and for somebody else’s', async () => {
  const lookup = () => ({ data: { ttl: 0, renewable: false } })
  const source = async () => ({ kind: 'token', token: new Secret('given') }) as const
  const { login } = setUp(source, { 'auth/token/lookup-self': lookup })
  const { value, grant } = await login(signal)
  expect(value.own).toBe(false)
  expect(grant.durationMs).toBe(Infinity)
})

describe('a wrapped secret id', () => {
  const lookup = (path: string) => () => ({ data: { creation_path: path, creation_ttl: 60 } })
  const unwrap = () => ({ data: { secret_id: 'unwrapped' } })

  test('is unwrapped once, and what was in it used for later logins', async () => {
    const { login, asked } = setUp(async () => wrapped('wrapping'), {
      'sys/wrapping/lookup': lookup(CREATION_PATH),
      'sys/wrapping/unwrap': unwrap,
      'auth/approle/login': () => AUTH,
    })
    await login(signal)
    await login(signal)
    expect(asked.map(({ path, token }) => [path, token])).toEqual([
      ['sys/wrapping/lookup', undefined],
      ['sys/wrapping/unwrap', 'wrapping'],
      ['auth/approle/login', undefined],
      ['auth/approle/login', undefined],
    ])
    expect(asked.at(-1)?.body).toEqual({ role_id: 'role', secret_id: 'unwrapped' })
  })

  test('is asked for anew where the source gives another one at each login', async () => {
    let count = 0
    const source = async () => wrapped(`wrapping-${(count += 1)}`)
    const { login, asked } = setUp(source, {
      'sys/wrapping/lookup': lookup(CREATION_PATH),
      'sys/wrapping/unwrap': unwrap,
      'auth/approle/login': () => AUTH,
    })
    await login(signal)
    await login(signal)
    const unwrapped = asked.filter(({ path }) => path === 'sys/wrapping/unwrap')
    expect(unwrapped.map(({ token }) => token)).toEqual(['wrapping-1', 'wrapping-2'])
  })

  test('made elsewhere is not unwrapped, and a person is told', async () => {
    const { login, asked, events } = setUp(async () => wrapped('wrapping'), {
      'sys/wrapping/lookup': lookup('auth/approle/role/other/secret-id'),
      'sys/wrapping/unwrap': unwrap,
    })
    expect(await codeOf(login(signal))).toBe('wrapping_token_spent')
    expect(asked.map(({ path }) => path)).toEqual(['sys/wrapping/lookup'])
    expect(events).toEqual([{ kind: 'alert', identity: 'a', alert: 'wrapping_token_spent' }])
  })

  test('that is spent is not tried again, and a person is told once', async () => {
    const spent = () => {
      throw new Fault('wrapping_token_spent', 'spent')
    }
    const { login, asked, events } = setUp(async () => wrapped('wrapping'), {
      'sys/wrapping/lookup': spent,
    })
    expect(await codeOf(login(signal))).toBe('wrapping_token_spent')
    expect(await codeOf(login(signal))).toBe('vault_login_refused')
    expect(asked).toHaveLength(1)
    expect(events).toHaveLength(1)
  })
})

describe('a refused credential', () => {
  test('is never shown again', async () => {
    const { login, asked, clock } = setUp(async () => approle('wrong'), {
      'auth/approle/login': refuse,
    })
    for (let attempt = 0; attempt < 20; attempt += 1) {
      expect(await codeOf(login(signal))).toBe('vault_login_refused')
      await clock.pass(3_600_000)
    }
    expect(asked).toHaveLength(1)
  })

  test('is followed by another one at once, and by further ones so seldom that no role is locked', async () => {
    let count = 0
    const source = async () => approle(`wrong-${(count += 1)}`)
    const { login, asked, clock } = setUp(source, { 'auth/approle/login': refuse })
    const times: number[] = []
    for (let second = 0; second < 7_200; second += 1) {
      const before = asked.length
      await codeOf(login(signal))
      if (asked.length > before) times.push(clock.now())
      await clock.pass(1_000)
    }
    expect(times.slice(0, 2)).toEqual([0, 1_000])
    // Vault locks a role at the fifth wrong login while none of them is 15 minutes old.
    for (const [index, at] of times.entries()) {
      const within = times.filter((other) => other <= at && other > at - 15 * 60_000)
      expect({ index, within: within.length <= 2 }).toEqual({ index, within: true })
    }
    expect(times.length).toBeGreaterThan(5)
  })

  test('is forgotten once a login holds', async () => {
    let current = 'wrong'
    const answer = ({ body }: Ask) => (body?.['secret_id'] === 'right' ? AUTH : refuse())
    const { login, clock } = setUp(async () => approle(current), { 'auth/approle/login': answer })
    expect(await codeOf(login(signal))).toBe('vault_login_refused')
    current = 'right'
    await clock.pass(1_000)
    expect(await codeOf(login(signal))).toBe('logged in')
  })

  test('is not what an outage makes of one', async () => {
    let up = false
    const answer = () => {
      if (!up) throw new Fault('vault_unavailable', 'down')
      return AUTH
    }
    const { login } = setUp(async () => approle('right'), { 'auth/approle/login': answer })
    expect(await codeOf(login(signal))).toBe('vault_unavailable')
    up = true
    expect(await codeOf(login(signal))).toBe('logged in')
  })
})

test('an answer that is none of Vault’s is no token', async () => {
  const { login } = setUp(async () => approle('x'), {
    'auth/approle/login': () => ({ auth: { client_token: 7 } }),
  })
  expect(await codeOf(login(signal))).toBe('vault_unavailable')
})

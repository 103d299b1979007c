import { createKeyring, digestOf } from '@usdcop/service/auth'
import { describe, expect, test } from 'vitest'
import { auth, type Rig, startGateway } from './support/gateway.ts'
import { barClosed, contract } from './support/market.ts'

const ask = (rig: Rig, payload: object = { symbol: 'USD/COP' }, headers: object = auth) =>
  rig.app.inject({ method: 'POST', url: '/v1/decisions', payload, headers: { ...headers } })

describe('POST /v1/decisions', () => {
  test('decides an undecided bar, and gives the same decision to the next who asks', async () => {
    await using rig = await startGateway()
    await rig.close(barClosed(0))
    rig.post(barClosed(1))
    const first = await ask(rig)
    const second = await ask(rig)
    expect([first.statusCode, second.statusCode]).toEqual([201, 200])
    expect(first.headers.location).toBe(`/v1/decisions/${first.json().id}`)
    expect(second.json()).toEqual(first.json())
    expect(first.json()).toMatchObject({
      symbol: 'USD/COP',
      barTime: barClosed(1).barTime,
      trigger: 'bar',
      outcome: 'action',
      reasons: [],
      contractHash: contract.contractHash,
      model: { name: 'test-policy', version: '1' },
    })
    expect(first.json().features).toHaveLength(15)
  })

  test('records a refusal when the newest bar is stale, and moves no account', async () => {
    await using rig = await startGateway()
    for (let i = 0; i < 8; i += 1) await rig.close(barClosed(i))
    const accounts = structuredClone([...rig.memory.accounts])
    rig.clock.advanceTo(barClosed(7).availableAt + 600_001)
    const reply = await ask(rig)
    expect(reply.statusCode).toBe(201)
    expect(reply.json()).toMatchObject({
      trigger: 'request',
      barTime: barClosed(7).barTime,
      outcome: 'no_action',
      signal: null,
      action: null,
      reasons: ['bar_stale'],
      features: [],
    })
    expect([...rig.memory.accounts]).toEqual(accounts)
    rig.clock.advanceTo(barClosed(8).availableAt)
    await rig.close(barClosed(8))
    expect((await ask(rig)).json()).toMatchObject({ trigger: 'bar', barTime: barClosed(8).barTime })
  })

  test('leaves an order of the bar itself to the next bar, however late the question', async () => {
    await using rig = await startGateway()
    const pending = () => rig.memory.accounts.get('USD/COP')?.account.pending ?? null
    let i = 0
    while (pending() === null) await rig.close(barClosed(i++))
    const { target } = pending()!
    rig.clock.advanceTo(barClosed(i - 1).availableAt + 600_001)
    expect((await ask(rig)).json()).toMatchObject({ trigger: 'request', reasons: ['bar_stale'] })
    expect(pending()).toMatchObject({ target })
    await rig.close(barClosed(i + 2, { gapBars: 2 }))
    expect(rig.memory.accounts.get('USD/COP')?.account.position).toBe(target)
  })

  test('refuses on a symbol that has only history, for that reason and every other', async () => {
    const { barTime, session, open, high, low, close } = barClosed(3)
    const bars = {
      newest: async (symbol: string) =>
        symbol === 'USD/COP' ? [{ barTime, session, open, high, low, close }] : [],
    }
    await using rig = await startGateway({ bars })
    rig.clock.advanceTo(barClosed(3).availableAt)
    const fresh = await ask(rig)
    expect({ status: fresh.statusCode, body: fresh.json() }).toMatchObject({
      status: 201,
      body: { trigger: 'request', barTime, outcome: 'no_action', reasons: ['history_only'] },
    })
    rig.clock.advanceTo(barClosed(3).availableAt + 600_001)
    expect((await ask(rig)).json().reasons).toEqual(['bar_stale', 'history_only'])
    expect((await ask(rig, { symbol: 'EUR/COP' })).statusCode).toBe(404)
    expect(rig.memory.accounts.size).toBe(0)
  })

  test.for<{ name: string; payload?: object; headers?: object; status: number; error: object }>([
    {
      name: 'a symbol of which no bar has closed',
      payload: { symbol: 'EUR/COP' },
      status: 404,
      error: { code: 'not_found' },
    },
    {
      name: 'a body without symbol',
      payload: {},
      status: 400,
      error: {
        code: 'invalid_request',
        details: [{ field: 'symbol', message: expect.any(String) }],
      },
    },
    {
      name: 'a field it does not know',
      payload: { symbol: 'USD/COP', action: 1 },
      status: 400,
      error: { code: 'invalid_request' },
    },
    { name: 'no key', headers: {}, status: 401, error: { code: 'unauthenticated' } },
    {
      name: 'an unknown key',
      headers: { authorization: 'Bearer guess' },
      status: 401,
      error: { code: 'unauthenticated' },
    },
    {
      name: 'a key that may only read',
      headers: { authorization: 'Bearer reader' },
      status: 403,
      error: { code: 'forbidden' },
    },
  ])('refuses $name', async ({ payload, headers, status, error }) => {
    const key = (name: string, role: 'reader' | 'writer', token: string) => ({
      name,
      role,
      sha256: digestOf(token),
    })
    const keyring = createKeyring([
      key('w', 'writer', 'a-writer-token'),
      key('r', 'reader', 'reader'),
    ])
    await using rig = await startGateway({ keyring })
    const reply = await ask(rig, payload, headers)
    expect(reply.statusCode).toBe(status)
    expect(reply.json()).toMatchObject({ error })
    expect(rig.memory.entries).toEqual([])
  })

  test('answers 503 while the closed bars cannot be followed', async () => {
    await using rig = await startGateway()
    await rig.close(barClosed(0))
    rig.memory.events.push({ id: 2, topic: 'bar_closed', payload: {} })
    const reply = await ask(rig)
    expect({ status: reply.statusCode, code: reply.json().error.code }).toEqual({
      status: 503,
      code: 'not_ready',
    })
  })
})

describe('GET /v1/decisions', () => {
  test('lists the newest first, page by page, without their observations', async () => {
    await using rig = await startGateway()
    for (let i = 0; i < 5; i += 1) await rig.close(barClosed(i))
    const first = (await rig.app.inject('/v1/decisions?symbol=USD/COP&limit=3')).json()
    const rest = (await rig.app.inject(`/v1/decisions?limit=3&before=${first.next}`)).json()
    const times = [...first.decisions, ...rest.decisions].map(({ barTime }) => barTime as number)
    expect(times).toEqual([4, 3, 2, 1, 0].map((i) => barClosed(i).barTime))
    expect(rest.next).toBeNull()
    expect(first.decisions[0]).not.toHaveProperty('features')
    expect((await rig.app.inject('/v1/decisions?symbol=EUR/COP')).json()).toEqual({
      decisions: [],
      next: null,
    })
  })

  test('gives one by its id, with its place in the chain', async () => {
    await using rig = await startGateway()
    await rig.close(barClosed(0))
    const reply = await rig.app.inject('/v1/decisions/decision-1')
    const { hash, prevHash } = rig.memory.entries[0]!
    expect(reply.json()).toMatchObject({ id: 'decision-1', seq: 1, hash, prevHash })
  })

  test.for([
    { url: '/v1/decisions?symbol=USD%00COP', status: 400, message: /^symbol: / },
    { url: '/v1/decisions?limit=0', status: 400, message: /^limit: / },
    { url: '/v1/decisions?limit=501', status: 400, message: /^limit: / },
    { url: '/v1/decisions?before=x', status: 400, message: /^before: / },
    { url: '/v1/decisions?sort=up', status: 400, message: /sort/ },
    { url: '/v1/decisions/1%20or%201', status: 400, message: /^id: / },
    { url: '/v1/decisions/decision-9', status: 404, message: /there is no decision-9/ },
    { url: '/v1/account', status: 400, message: /^symbol: / },
    { url: '/v1/account?symbol=EUR/COP', status: 404, message: /no account trades EUR\/COP/ },
  ])('answers $status to $url', async ({ url, status, message }) => {
    await using rig = await startGateway()
    const reply = await rig.app.inject(url)
    expect(reply.statusCode).toBe(status)
    expect(reply.json().error.message).toMatch(message)
  })

  test('needs a key when the gateway can be reached from other machines', async () => {
    await using rig = await startGateway({ bindHost: '0.0.0.0' })
    const open = await rig.app.inject('/v1/decisions')
    const keyed = await rig.app.inject({ url: '/v1/decisions', headers: auth })
    expect([open.statusCode, keyed.statusCode]).toEqual([401, 200])
  })
})

test('GET /v1/account gives the paper account marked at its newest bar', async () => {
  await using rig = await startGateway()
  for (let i = 0; i < 9; i += 1) await rig.close(barClosed(i))
  const { account, version } = rig.memory.accounts.get('USD/COP')!
  expect((await rig.app.inject('/v1/account?symbol=USD/COP')).json()).toEqual({
    symbol: 'USD/COP',
    position: account.position,
    pending: account.pending,
    cash: account.cash,
    equity: rig.memory.equity.at(-1)!.equity,
    costsPaid: account.costsPaid,
    peakEquity: account.peakEquity,
    deepestDrawdown: account.deepestDrawdown,
    initialCash: 450_000_000,
    currency: 'COP',
    notional: 100_000,
    barTime: barClosed(8).barTime,
    version,
  })
})

test('GET /metrics counts decisions by outcome, refusals by reason and the stages of each', async () => {
  await using rig = await startGateway()
  await rig.close(barClosed(0, { flags: ['gap'] }))
  await rig.close(barClosed(1, { flags: ['warmup'] }))
  const text = (await rig.app.inject('/metrics')).body
  const value = (...parts: string[]) =>
    text
      .split('\n')
      .find((line) => parts.every((part) => line.includes(part)) && !line.startsWith('#'))
      ?.split(' ')
      .at(-1)
  expect({
    refused: value('usdcop_gateway_decisions_total', 'no_action', 'trigger="bar"'),
    gap: value('usdcop_gateway_refusals_total', '"gap"'),
    warmup: value('usdcop_gateway_refusals_total', '"warmup"'),
    timed: value('usdcop_gateway_decision_stage_duration_seconds_count', '"total"'),
    lag: value('usdcop_gateway_consumer_lag_events'),
    equity: value('usdcop_gateway_account_equity_cop'),
  }).toEqual({ refused: '2', gap: '1', warmup: '1', timed: '2', lag: '0', equity: '450000000' })
})

import { execFile } from 'node:child_process'
import { inspect, promisify } from 'node:util'
import type { ServiceError } from '@usdcop/service/errors'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import type { VaultEvent } from '../src/events.ts'
import { Secret } from '../src/secret.ts'
import { secretPath } from '../src/secret-path.ts'
import { createVaultServer } from '../src/vault-server.ts'
import { startLocalServer } from './local-server.ts'

const TOKEN = 'marker-token-55aa'
const VALUE = 'marker-value-66bb'
const READ = { operation: 'read', verb: 'read', path: secretPath('secret/data/a') } as const
const WRITE = {
  operation: 'write',
  verb: 'write',
  path: secretPath('secret/data/a'),
  body: { data: { password: VALUE } },
} as const

/** Every way in which an error is printed. */
function printed(error: unknown): string {
  const lines: string[] = []
  const logger = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) })
  logger.error({ err: error }, 'failed')
  logger.error(error)
  const all = inspect(error, { depth: Infinity, showHidden: true })
  return [all, String(error), JSON.stringify(error), (error as Error).stack, ...lines].join('\n')
}

async function faultOf(work: Promise<unknown>): Promise<ServiceError> {
  return work.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: unknown) => error as ServiceError,
  )
}

test('a redirect is not followed: no token goes to another host', async ({ signal }) => {
  await using other = await startLocalServer((_request, response) => response.end('{}'))
  await using local = await startLocalServer((request, response) => {
    response.writeHead(307, { location: `${other.address}${request.url}` }).end()
  })
  await using server = createVaultServer({ address: local.address })
  const fault = await faultOf(server.clientOf('a').call(new Secret(TOKEN), READ, signal))
  expect(fault.code).toBe('vault_refused')
  expect(local.received).toHaveLength(1)
  expect(other.received).toEqual([])
})

test('what the environment says about proxies, addresses, tokens and certificates is not listened to', async () => {
  await using proxy = await startLocalServer((_request, response) => response.end('{}'))
  await using local = await startLocalServer((_request, response) => response.end('{"data":{}}'))
  const program = `
    const { createVaultServer } = await import(${JSON.stringify(import.meta.resolve('../src/vault-server.ts'))})
    const { Secret } = await import(${JSON.stringify(import.meta.resolve('../src/secret.ts'))})
    const server = createVaultServer({ address: ${JSON.stringify(local.address)} })
    const ask = ${JSON.stringify(WRITE)}
    const signal = new AbortController().signal
    await server.clientOf('a').call(new Secret(${JSON.stringify(TOKEN)}), ask, signal)
    await server.clientOf('a').call(undefined, ask, signal)
  `
  const env = {
    HTTP_PROXY: proxy.address,
    http_proxy: proxy.address,
    ALL_PROXY: proxy.address,
    NODE_USE_ENV_PROXY: '1',
    VAULT_ADDR: proxy.address,
    VAULT_TOKEN: 'of-the-environment',
    VAULT_PREFIX: '/x',
    VAULT_NAMESPACE: 'x',
    VAULT_SKIP_VERIFY: 'false',
    DEBUG: '*',
    PATH: process.env['PATH'],
  }
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', program],
    { env },
  )
  expect(proxy.received).toEqual([])
  expect(local.received.map(({ url, token }) => [url, token])).toEqual([
    ['/v1/secret/data/a', TOKEN],
    ['/v1/secret/data/a', undefined],
  ])
  expect(`${stdout}${stderr}`).not.toMatch(/marker/)
})

describe('an error tells what happened and nothing of what was sent or answered', () => {
  const body = `{"errors":["token ${TOKEN} may not; you sent ${VALUE}"]}`
  test.for([
    { name: '403', status: 403, body, code: 'secret_denied' },
    { name: '404', status: 404, body: '{"errors":[]}', code: 'secret_absent' },
    {
      name: '404 of a deleted version',
      status: 404,
      body: '{"data":{"data":null,"metadata":{"version":1}}}',
      code: 'secret_deleted',
    },
    { name: '400', status: 400, body, code: 'vault_refused' },
    {
      name: '400 of check-and-set',
      status: 400,
      body: '{"errors":["check-and-set parameter did not match the current version"]}',
      code: 'conflict',
    },
    { name: '405', status: 405, body, code: 'vault_refused' },
    { name: '429', status: 429, body, code: 'vault_unavailable' },
    { name: '500', status: 500, body, code: 'vault_unavailable' },
    {
      name: '502 with a page',
      status: 502,
      body: `<html>${TOKEN}</html>`,
      code: 'vault_unavailable',
    },
    {
      name: '503 sealed',
      status: 503,
      body: '{"errors":["Vault is sealed"]}',
      code: 'vault_sealed',
    },
    { name: '503 of another', status: 503, body: `no ${VALUE}`, code: 'vault_unavailable' },
  ])('$name is $code', async ({ status, body: text, code }) => {
    await using local = await startLocalServer((_request, response) => {
      response.writeHead(status).end(text)
    })
    await using server = createVaultServer({ address: local.address })
    const { signal } = new AbortController()
    const fault = await faultOf(server.clientOf('a').call(new Secret(TOKEN), WRITE, signal))
    expect(fault.code).toBe(code)
    expect(printed(fault)).not.toMatch(/marker/)
  })

  test.for([
    { name: 'nobody listens', answer: undefined, says: 'ECONNREFUSED' },
    { name: 'the connection ends', answer: 'end', says: 'ECONNRESET' },
    { name: 'nothing comes', answer: 'hang', says: 'nothing within 200 ms' },
    { name: 'half an answer comes', answer: 'half', says: 'nothing within 200 ms' },
    { name: 'too much comes', answer: 'flood', says: 'answer too long' },
  ])('$name', async ({ answer, says }, { signal }) => {
    const local = await startLocalServer((request, response) => {
      if (answer === 'end') request.socket.destroy()
      if (answer === 'half') response.write('{"data":')
      if (answer === 'flood') response.end(Buffer.alloc(5 * 1024 * 1024, 'x'))
    })
    if (answer === undefined) await local[Symbol.asyncDispose]()
    await using server = createVaultServer({ address: local.address, timeoutMs: 200 })
    const fault = await faultOf(server.clientOf('a').call(new Secret(TOKEN), WRITE, signal))
    expect(fault.code).toBe('vault_unavailable')
    expect(fault.message).toContain(says)
    expect(printed(fault)).not.toMatch(/marker/)
    if (answer !== undefined) await local[Symbol.asyncDispose]()
  })

  test('node-vault’s own words never are the error’s', async ({ signal }) => {
    await using local = await startLocalServer((_request, response) => {
      response.writeHead(200).end(`<html>${VALUE}</html>`)
    })
    await using server = createVaultServer({ address: local.address })
    await expect(
      server.clientOf('a').call(new Secret(TOKEN), READ, signal),
    ).resolves.toBeUndefined()
  })
})

test('a caller who leaves gets its own reason, and nothing is counted against the server', async () => {
  await using local = await startLocalServer(() => {})
  await using server = createVaultServer({ address: local.address, timeoutMs: 60_000 })
  const leaving = new AbortController()
  const reason = new Error('the caller left')
  const calls = [1, 2, 3].map(() => server.clientOf('a').call(undefined, READ, leaving.signal))
  await expect.poll(() => local.received.length).toBe(3)
  leaving.abort(reason)
  for (const call of calls) await expect(call).rejects.toBe(reason)
  expect(server.availability.up).toBe(true)
})

test('two failures in a row keep everybody from asking, until the server says that it is well', async ({
  signal,
}) => {
  let well = false
  await using local = await startLocalServer((_request, response) => {
    if (well) response.end('{"data":{}}')
    else response.writeHead(503).end('{"errors":["Vault is sealed"]}')
  })
  const events: VaultEvent[] = []
  await using server = createVaultServer({
    address: local.address,
    observe: (event) => events.push(event),
  })
  const asked = () => local.received.filter(({ url }) => url !== '/v1/sys/health').length
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const fault = await faultOf(server.clientOf(`client-${attempt}`).call(undefined, READ, signal))
    expect(fault.code).toBe('vault_sealed')
  }
  expect(asked()).toBe(2)
  well = true
  await expect.poll(() => server.availability.up, { timeout: 10_000 }).toBe(true)
  await server.clientOf('a').call(undefined, READ, signal)
  expect(asked()).toBe(3)
  const said = events.flatMap((event) => (event.kind === 'server' ? [event.health] : []))
  expect(said).toEqual(['vault_sealed', 'ok'])
  expect(local.received.every(({ token }) => token === undefined)).toBe(true)
})

test.for([
  'vault:8200',
  'ftp://vault',
  'http://user@vault',
  'http://vault/v1',
  'http://vault?x=1',
  'http://vault#x',
  '',
])('%s is no address of a server', (address) => {
  expect(() => createVaultServer({ address })).toThrow('scheme, host and port alone')
})

test.for([
  [200, 'active'],
  [429, 'standby'],
  [472, 'disaster_recovery'],
  [473, 'standby'],
  [474, 'standby_unreachable'],
  [501, 'uninitialised'],
  [503, 'sealed'],
  [530, 'removed'],
  [500, 'unreachable'],
] as const)('health: %d is %s', async ([status, health], { signal }) => {
  await using local = await startLocalServer((_request, response) =>
    response.writeHead(status).end('{}'),
  )
  await using server = createVaultServer({ address: local.address })
  expect(await server.health(signal)).toBe(health)
})

import { readFile } from 'node:fs/promises'
import type { ErrorCode, ServiceError } from '@usdcop/service/errors'
import { startProductionBao } from '@usdcop/tests/support/openbao'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSecretReader } from '../src/secret-reader.ts'
import { approle, identityOf, makeRole, must, serverOf } from './openbao-setup.ts'

let bao: Awaited<ReturnType<typeof startProductionBao>>
let ca: string
beforeAll(async () => {
  bao = await startProductionBao()
  ca = await readFile(bao.caFile ?? '', 'utf8')
  await must(bao, 'POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
})
afterAll(() => bao[Symbol.asyncDispose]())

const codeOf = (work: Promise<unknown>): Promise<ErrorCode | 'answered'> =>
  work.then(
    () => 'answered' as const,
    (error: unknown) => (error as ServiceError).code,
  )

async function readerOf(name: string, maxStaleMs: number) {
  const role = await makeRole(bao, name, 'path "secret/data/*" { capabilities = ["read"] }')
  await must(bao, 'POST', 'secret/data/a', { data: { value: 'x' } })
  const { server, events } = serverOf(bao, { ca, timeoutMs: 1_000 })
  const secretId = await role.secretId()
  const identity = identityOf(server, name, async () => approle(role.roleId, secretId))
  return {
    server,
    events,
    identity,
    reader: createSecretReader({ identity, ttlMs: 0, maxStaleMs }),
  }
}

const AT = { mount: 'secret', path: 'a' }

test('a certificate of somebody else’s is refused before anything is sent', async ({ signal }) => {
  const role = await makeRole(bao, 'stranger', '')
  const secretId = await role.secretId()
  const { server } = serverOf(bao)
  const identity = identityOf(server, 'stranger', async () => approle(role.roleId, secretId))
  await expect(identity.ready(signal)).rejects.toMatchObject({
    code: 'vault_unavailable',
    message: expect.stringMatching(/SELF_SIGNED|UNABLE_TO_VERIFY|DEPTH_ZERO/),
  })
})

test.for(['sealed', 'killed'] as const)(
  '%s: what was read stands in, marked, and all is well within 5 s of its return',
  async (how, { signal }) => {
    const { server, reader, events } = await readerOf(`outage-${how}`, 60_000)
    expect(await reader.read(AT, signal)).toMatchObject({ source: 'vault' })
    if (how === 'sealed') await must(bao, 'POST', 'sys/seal')
    else await bao.down()
    for (let attempt = 0; attempt < 100; attempt += 1)
      expect(await reader.read(AT, signal)).toMatchObject({ source: 'stale' })
    const code = how === 'sealed' ? 'vault_sealed' : 'vault_unavailable'
    expect(await codeOf(reader.read({ ...AT, path: 'never-read' }, signal))).toBe(code)
    expect(await codeOf(reader.read({ ...AT, fresh: true }, signal))).toBe(code)
    expect(await server.health(signal)).toBe(how === 'sealed' ? 'sealed' : 'unreachable')
    const failed = events.filter((event) => event.kind === 'request' && event.outcome !== 'ok')
    expect(failed.length).toBeLessThanOrEqual(3)

    if (how === 'killed') await bao.up()
    await bao.unseal()
    const backAt = performance.now()
    await expect
      .poll(async () => (await reader.read(AT, signal)).source, { interval: 50, timeout: 20_000 })
      .toBe('vault')
    expect(performance.now() - backAt).toBeLessThan(5_000)
  },
)

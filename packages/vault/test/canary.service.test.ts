import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startDevelopmentBao } from '@usdcop/tests/support/openbao'
import { expect, test } from 'vitest'
import { startLocalServer } from './local-server.ts'
import { makeRole } from './openbao-setup.ts'

const VALUE = 'marker-value-4242'
const WRONG = 'marker-wrong-secret-id-4343'

test('nothing secret is printed: with every log on, every request failing, and in a crash', async ({
  signal,
}) => {
  await using bao = await startDevelopmentBao()
  await using broken = await startLocalServer((request, response) => {
    // What it was sent comes back as an error would have it.
    const echo = { errors: [`${JSON.stringify(request.headers)} may not`] }
    response
      .writeHead(request.url?.includes('login') === true ? 400 : 500)
      .end(JSON.stringify(echo))
  })
  const policy = 'path "secret/data/canary" { capabilities = ["read", "create", "update"] }'
  const role = await makeRole(bao, 'canary', policy)
  const secretId = await role.secretId()
  const given = {
    addresses: [bao.address, broken.address, 'http://127.0.0.1:1'],
    roleId: role.roleId,
    secretId,
    wrongSecretId: WRONG,
    value: VALUE,
    crash: true,
  }
  const env = {
    PATH: process.env['PATH'],
    CANARY: JSON.stringify(given),
    CANARY_VALUE: VALUE,
    DEBUG: '*',
    NODE_DEBUG: '',
    VAULT_TOKEN: 'marker-token-of-the-environment',
  }
  const program = fileURLToPath(new URL('canary-program.ts', import.meta.url))
  const running = spawn(process.execPath, [program], { env, cwd: bao.folder, signal })
  let printed = ''
  for (const stream of [running.stdout, running.stderr])
    stream.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
    })
  const [code] = (await once(running, 'exit')) as [number]
  // It crashed on the denial, as it was to.
  expect(code).toBe(1)
  expect(printed).toContain('secret_denied')
  expect(printed).toContain('vault_login_refused')
  expect(printed).toContain('[secret]')
  expect(printed.length).toBeGreaterThan(20_000)

  const tokens = (await bao.auditLog()).length
  expect(tokens).toBeGreaterThan(0)
  expect(printed).not.toContain('marker')
  expect(printed).not.toContain(secretId)
  // A token of OpenBao begins so, and is 26 characters long; none was printed.
  expect(printed).not.toMatch(/\b[sb]\.[A-Za-z0-9]{24}/)

  // Nor does the server's own audit log hold any of it.
  const logs = await readdir(join(bao.folder, 'logs'))
  for (const name of logs) {
    const text = await readFile(join(bao.folder, 'logs', name), 'utf8')
    expect(text).not.toContain('marker')
    expect(text).not.toContain(secretId)
  }
})

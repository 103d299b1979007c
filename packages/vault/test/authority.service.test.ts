import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { makeCertificate, startProductionBao } from '@usdcop/tests/support/openbao'
import { expect, onTestFinished, test } from 'vitest'
import { openAuthority } from '../src/authority.ts'
import type { VaultEvent } from '../src/events.ts'
import { Secret } from '../src/secret.ts'
import { secretPath } from '../src/secret-path.ts'
import { createVaultServer } from '../src/vault-server.ts'

const LOOKUP = {
  operation: 'lookup',
  verb: 'read',
  path: secretPath('auth/token/lookup-self'),
} as const

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-authority-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

/** Of the certificate that a server shows now. */
async function fingerprintAt(address: string): Promise<string> {
  const { hostname: host, port } = new URL(address)
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect({ host, port: Number(port), rejectUnauthorized: false }, () => {
    resolve(socket.getPeerCertificate().fingerprint256)
    socket.destroy()
  })
  socket.on('error', reject)
  return promise
}

test('a server whose certificate another authority signs is asked on, and no request is lost meanwhile', async ({
  signal,
}) => {
  await using bao = await startProductionBao()
  const folder = await temporaryFolder()
  const file = join(folder, 'ca.crt')
  const first = await readFile(bao.caFile ?? '', 'utf8')
  await writeFile(file, first)
  const events: VaultEvent[] = []
  const observe = (event: VaultEvent) => void events.push(event)
  const told = () => events.flatMap((event) => (event.kind === 'authority' ? [event.state] : []))
  const ca = await openAuthority(file, { signal, observe })
  await using server = createVaultServer({ address: bao.address, tls: { ca }, observe })
  const client = server.clientOf('asking')
  const ask = () => client.call(new Secret(bao.rootToken), LOOKUP, signal)
  let answered = 0
  const asking = new AbortController()
  const callers = Array.from({ length: 4 }, async () => {
    for (; !asking.signal.aborted; answered += 1) await ask()
  })
  const more = async (count: number) => {
    const from = answered
    await expect.poll(() => answered, { timeout: 10_000 }).toBeGreaterThan(from + count)
  }
  const change = async (text: string) => {
    const before = told().length
    await writeFile(file, text)
    await expect.poll(() => told().length, { timeout: 10_000 }).toBe(before + 1)
    await more(20)
  }
  await more(20)

  // Both are trusted before the server changes over, and the old one no more after it has.
  await makeCertificate(folder)
  const second = await readFile(join(folder, 'tls.crt'), 'utf8')
  await change(first + second)
  const shown = await fingerprintAt(bao.address)
  for (const name of ['tls.crt', 'tls.key'])
    await writeFile(join(bao.folder, 'tls', name), await readFile(join(folder, name)))
  bao.reload()
  await expect.poll(() => fingerprintAt(bao.address), { timeout: 10_000 }).not.toBe(shown)
  await change(second)
  expect(told()).toEqual(['changed', 'changed'])

  // Half a file, as whoever writes it may leave it for a moment: told once, and nothing else comes of it.
  await change(second.slice(0, -40))
  await change(second + first)
  expect(told()).toEqual(['changed', 'changed', 'unusable', 'changed'])

  asking.abort()
  await Promise.all(callers)
  const lost = events.filter((event) => event.kind === 'request' && event.outcome !== 'ok')
  expect({ lost, asked: answered > 100 }).toEqual({ lost: [], asked: true })
})

test('an authority that is trusted no more ends connections that were made under it', async ({
  signal,
}) => {
  await using bao = await startProductionBao()
  const folder = await temporaryFolder()
  const file = join(folder, 'ca.crt')
  await writeFile(file, await readFile(bao.caFile ?? ''))
  const ca = await openAuthority(file, { signal })
  await using server = createVaultServer({ address: bao.address, tls: { ca } })
  const client = server.clientOf('asking')
  const ask = () => client.call(new Secret(bao.rootToken), LOOKUP, signal)
  await ask()
  await makeCertificate(folder)
  await writeFile(file, await readFile(join(folder, 'tls.crt')))
  await expect
    .poll(() => ask().then(() => 'answered', String), { interval: 100, timeout: 5_000 })
    .toMatch(/SELF_SIGNED|UNABLE_TO_VERIFY|DEPTH_ZERO/)
})

test.for<readonly [string, string]>([
  ['nothing', ''],
  ['no certificate', 'certificates\n'],
  ['half a certificate', '-----BEGIN CERTIFICATE-----\nMIIB'],
  ['a certificate of noise', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'],
  [
    'a request for one',
    '-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n',
  ],
])('no service starts on a file that holds %s', async ([, text], { signal }) => {
  const file = join(await temporaryFolder(), 'ca.crt')
  await writeFile(file, text)
  await expect(openAuthority(file, { signal })).rejects.toMatchObject({ code: 'config_invalid' })
})

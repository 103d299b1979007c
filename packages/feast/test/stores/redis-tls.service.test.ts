import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { promisify } from 'node:util'
import { redisConfig } from '@usdcop/tests/support/redis-config'
import { freePort, startRedisNode } from '@usdcop/tests/support/redis-node'
import { until } from '@usdcop/tests/support/until'
import { expect, onTestFinished, test } from 'vitest'
import { openOnlineStore } from '../../src/stores/open-store.ts'
import { entityKey } from '../../src/wire/entity-key.ts'

const signal = AbortSignal.timeout(60_000)
const key = entityKey([['id', { type: 'INT64', value: 1n }]])
const row = { entityKey: key, eventTimestamp: 1, values: new Map([['f', null]]) }

test('speaks TLS, and only to a server whose certificate it can trust', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-tls-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const [cert, secret] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  await promisify(execFile)('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-noenc',
    '-keyout',
    secret,
    '-out',
    cert,
    '-days',
    '2',
    '-subj',
    '/CN=redis',
    '-addext',
    'subjectAltName=IP:127.0.0.1',
  ])
  const port = await freePort()
  await using _redis = await startRedisNode({
    options: [
      '--tls-port',
      String(port),
      '--tls-auth-clients',
      'no',
      '--tls-cert-file',
      cert,
      '--tls-key-file',
      secret,
      '--tls-ca-cert-file',
      cert,
    ],
  })
  const config = redisConfig([{ host: '127.0.0.1', port }], { tls: true })

  const { promise, resolve } = Promise.withResolvers<Error>()
  const stranger = openOnlineStore(config, 'demo', { onError: resolve })
  expect(await promise).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  await expect(stranger.ping(signal)).rejects.toMatchObject({ code: 'store_unavailable' })
  await stranger.close()

  const before = getCACertificates('default')
  onTestFinished(() => setDefaultCACertificates(before))
  setDefaultCACertificates([...before, await readFile(cert, 'utf8')])
  for (const lane of [false, true]) {
    const store = openOnlineStore(config, `demo_${lane}`, { onError: () => {}, lane })
    await until(
      () =>
        store.ping(signal).then(
          () => true,
          () => false,
        ),
      'the store is connected',
    )
    expect(await store.write('v', [row], signal)).toEqual(['written'])
    const read = { view: 'v', features: ['f'], keys: [key] }
    expect(await store.read([read], signal)).toEqual([[{ eventTimestamp: 1, values: [null] }]])
    await store.close()
  }
})

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { createFeatureClient } from '../src/client.ts'
import { ASK, DEMO, REPLY, ROW } from './support/demo.ts'

test('speaks HTTPS, and only to a server whose certificate it can trust', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-https-'))
  onTestFinished(async () => await rm(folder, { recursive: true }))
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const made =
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -keyout ${keyFile} ` +
    `-out ${certFile} -days 2 -subj /CN=feast -addext subjectAltName=IP:127.0.0.1`
  await promisify(execFile)('openssl', made.split(' '))
  const [cert, key] = [await readFile(certFile, 'utf8'), await readFile(keyFile, 'utf8')]
  const server = createServer({ cert, key }, (request, response) => {
    request.resume()
    response.end(JSON.stringify(REPLY))
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  onTestFinished(async () => await new Promise<void>((closed) => server.close(() => closed())))
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`

  await using trusting = createFeatureClient({ url, schema: DEMO, ca: cert, deadlineMs: 10_000 })
  expect((await trusting.getOnlineFeatures(ASK)).rows).toEqual([ROW])

  await using other = createFeatureClient({ url, schema: DEMO, deadlineMs: 10_000 })
  await expect(other.getOnlineFeatures(ASK)).rejects.toMatchObject({
    code: 'features_unavailable',
    cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
  })
})

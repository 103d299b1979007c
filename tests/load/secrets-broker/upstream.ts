import { request } from 'node:http'
import type { Bao } from '../../support/openbao.ts'
import type { Figure } from '../figure.ts'
import { closedLoop } from './load.ts'
import { type Bench, requestOf, startBroker, targetOf } from './servers.ts'

const READERS = 1_000
const SECONDS = 4
const CONNECTIONS = 8
const WAY = 'bearer over HTTP'

/** What goes to Vault: for many who read one secret at once while nothing is kept, and for identities. */
export async function upstreamFigures(
  bench: Bench,
  tell: (step: string) => void,
): Promise<readonly Figure[]> {
  const { bao } = bench
  await using broker = await startBroker(bench, WAY)
  tell(`${READERS} cold reads at once`)
  const before = (await bao.auditLog()).length
  const begun = performance.now()
  await readTogether(bench, broker.url + broker.path)
  const coldMs = performance.now() - begun
  const { reads, all } = await askedSince(bao, before)
  tell('identities')
  const target = targetOf(bench, WAY, broker)
  const options = { connections: CONNECTIONS, seconds: SECONDS }
  const issued = await closedLoop(target, requestOf(WAY, 'POST', '/v1/identity'), options)
  return [
    {
      name: `${READERS} cold reads of one secret at once, reads of Vault`,
      value: reads,
      unit: 'requests',
      bar: { kind: 'at_most', value: 1 },
    },
    { name: `${READERS} cold reads at once, Vault with the login`, value: all, unit: 'requests' },
    { name: `${READERS} cold reads at once, until all are answered`, value: coldMs, unit: 'ms' },
    { name: 'identities, two requests of Vault each', value: issued.perSecond, unit: '1/s' },
  ]
}

/** A connection each. */
async function readTogether({ signal }: Bench, url: string): Promise<void> {
  const [, authorization = ''] = /authorization: (.+)\r\n/.exec(requestOf(WAY)) ?? []
  const readers = Array.from({ length: READERS }, () => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const sent = request(url, { agent: false, headers: { authorization }, signal }, (response) => {
      response.resume()
      response.on('end', () => {
        if (response.statusCode === 200) resolve()
        else reject(new Error(`answered ${response.statusCode}`))
      })
    })
    sent.on('error', reject)
    sent.end()
    return promise
  })
  await Promise.all(readers)
}

async function askedSince(bao: Bao, before: number): Promise<{ reads: number; all: number }> {
  const asked = (await bao.auditLog()).slice(before).filter(({ type }) => type === 'request')
  const reads = asked.filter(({ request: { path } }) => path.startsWith('secret/data/'))
  return { reads: reads.length, all: asked.length }
}

import { cp, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { eventually } from '../stack/support/eventually.ts'
import { program } from '../support/standin.ts'
import { readText, root } from './support/files.ts'
import { freePorts, run, start, temporaryFolder, withReplaced } from './support/run.ts'

const promtool = program('promtool')
const prometheus = program('prometheus')

/** How the gateway is looked up. */
const GATEWAY = `dns_sd_configs:
      - { names: [inference-gateway], type: A, port: 8090, refresh_interval: 15s }`

/** The folder as the container has it, with secrets and names of this machine. */
async function prepared(folder: string, changes: Readonly<Record<string, string>> = {}) {
  await cp(join(root, 'config/prometheus'), folder, { recursive: true })
  await writeFile(join(folder, 'metrics_key'), 'the-key-of-prometheus')
  const file = join(folder, 'prometheus.yml')
  const text = await readFile(file, 'utf8')
  const own = { '/run/secrets/metrics_key': join(folder, 'metrics_key'), ...changes }
  await writeFile(file, withReplaced(text, own))
  return file
}

describe.skipIf(promtool.missing)('promtool', () => {
  test('takes the configuration and its rules, without a lint', async () => {
    await using folder = await temporaryFolder()
    const file = await prepared(folder.path)
    const { code, output } = await run(promtool.path, ['check', 'config', '--lint=all', file])
    const written = readText('config/prometheus/rules/platform.yml').match(/^ +- alert: /gm) ?? []
    expect(written.length).toBeGreaterThan(10)
    const found = expect.stringContaining(`SUCCESS: ${written.length} rules found`)
    expect({ code, output }).toEqual({ code: 0, output: found })
  })

  test('sees every alert fire and keep quiet as its test says', async () => {
    const rules = ['test', 'rules', 'config/prometheus/rules/tests/platform.yml']
    expect(await run(promtool.path, rules, { cwd: root })).toMatchObject({ code: 0 })
  })

  test('refuses a key that it does not know', async () => {
    await using folder = await temporaryFolder()
    const file = await prepared(folder.path, { 'rule_files:': 'rules_files:' })
    const { code, output } = await run(promtool.path, ['check', 'config', file])
    expect(code).toBe(1)
    expect(output).toContain('field rules_files not found')
  })

  test('finds the alert that no longer fires', async () => {
    await using folder = await temporaryFolder()
    await prepared(folder.path)
    const rules = join(folder.path, 'rules/platform.yml')
    const text = await readFile(rules, 'utf8')
    await writeFile(rules, withReplaced(text, { '== 0': '== 2' }))
    const tests = join(folder.path, 'rules/tests/platform.yml')
    const { code, output } = await run(promtool.path, ['test', 'rules', tests])
    expect(code).toBe(1)
    expect(output).toContain('TargetDown')
  })
})

test.skipIf(prometheus.missing)(
  'Prometheus scrapes our services with its key, and has no target for what is not up',
  async ({ signal }) => {
    const asked: string[] = []
    const service = createServer((request, response) => {
      asked.push(request.headers.authorization ?? 'nothing')
      response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8')
      response.end('usdcop_gateway_consumer_lag_events 3\n')
    }).listen(0, '127.0.0.1')
    await using folder = await temporaryFolder()
    const { port: servicePort } = service.address() as AddressInfo
    const [port = 0] = await freePorts(1)
    const file = await prepared(folder.path, {
      // Docker answers for names in the stack; here nobody does, so the gateway is given as if it had been found.
      [GATEWAY]: `static_configs:
      - targets: ['127.0.0.1:${servicePort}']
        labels: { __meta_dns_name: inference-gateway }`,
      'scrape_interval: 15s': 'scrape_interval: 1s',
      'scrape_timeout: 10s': 'scrape_timeout: 1s',
      'localhost:9090': `127.0.0.1:${port}`,
    })
    const url = `http://127.0.0.1:${port}`
    const args = [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder.path, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-otlp-receiver',
      '--enable-feature=exemplar-storage',
    ]
    try {
      await using _server = await start(prometheus.path, args, `${url}/-/ready`, signal)
      const labels = await eventually(
        'a sample of the gateway',
        async (within) => {
          const query = new URLSearchParams({ query: 'usdcop_gateway_consumer_lag_events' })
          const answer = await fetch(`${url}/api/v1/query?${query.toString()}`, { signal: within })
          const { data } = (await answer.json()) as {
            data: { result: { metric: Record<string, string>; value: [number, string] }[] }
          }
          const [sample] = data.result
          if (sample === undefined) throw new Error('no sample')
          expect(sample.value[1]).toBe('3')
          return sample.metric
        },
        { signal, withinMs: 60_000 },
      )
      expect(labels).toMatchObject({
        job: 'inference-gateway',
        instance: `inference-gateway/127.0.0.1:${servicePort}`,
      })
      expect(new Set(asked)).toEqual(new Set(['Bearer the-key-of-prometheus']))
      const answer = await fetch(`${url}/api/v1/targets?state=active`, { signal })
      const { data } = (await answer.json()) as {
        data: { activeTargets: { labels: { job: string } }[] }
      }
      expect(data.activeTargets.map((target) => target.labels.job).toSorted()).toEqual([
        'inference-gateway',
        'prometheus',
      ])
    } finally {
      service.close()
    }
  },
)

import { expect, test } from 'vitest'
import { readYaml } from './support/files.ts'
import { type PrometheusFile, prometheusFile, scrapeFaults } from './support/scraping.ts'

const file = prometheusFile.parse(readYaml('config/prometheus/prometheus.yml'))

function changed(change: (job: PrometheusFile['scrape_configs'][number]) => void): PrometheusFile {
  const copy = structuredClone(file)
  const [first] = copy.scrape_configs
  if (first === undefined) throw new Error('nothing is scraped')
  change(first)
  return copy
}

test('every server of the stack is scraped, our own with a key and by replica', () => {
  expect(scrapeFaults(file)).toEqual([])
})

test('the files with rules are named, those with their tests are not', () => {
  expect(file.rule_files).toEqual(['rules/*.yml'])
})

test.for([
  ['a job that was renamed', { job_name: 'gateway' }, 'inference-gateway is not scraped'],
  ['a job without a key', { authorization: undefined }, 'gives no key'],
  [
    'another port',
    { dns_sd_configs: [{ names: ['inference-gateway'], type: 'A', port: 80 }] },
    'is looked for at inference-gateway:80',
  ],
  [
    'replicas under one name',
    { relabel_configs: [{ source_labels: ['__meta_dns_name'], target_label: 'instance' }] },
    'share one instance',
  ],
  ['no instance at all', { relabel_configs: [] }, 'has addresses for instances'],
] as const)('%s is found', ([, change, fault]) => {
  expect(scrapeFaults(changed((job) => Object.assign(job, change))).join()).toContain(fault)
})

test('a key in the file itself is refused', () => {
  const copy = changed((job) => Object.assign(job, { authorization: { credentials: 'k' } }))
  expect(prometheusFile.safeParse(copy).success).toBe(false)
})

import { expect, test } from 'vitest'
import { broken, type Fault } from './broken.ts'
import { checkout } from './files.ts'
import { scrapeFindings } from './scraping.ts'

const files = checkout()

test('every service is scraped under its own name, or says why not', () => {
  expect(scrapeFindings(files)).toEqual([])
})

const PROMETHEUS = 'config/prometheus/prometheus.yml'

test.for<Fault>([
  {
    in: PROMETHEUS,
    from: 'names: [alloy]',
    to: 'names: [loki]',
    says: 'alloy is not scraped',
  },
  {
    in: PROMETHEUS,
    from: 'names: [alloy]',
    to: 'names: [redis]',
    says: 'redis is scraped, and needs no exception',
  },
  {
    in: PROMETHEUS,
    from: 'job_name: feature-server',
    to: 'job_name: feast-server',
    says: 'feast-server is scraped as feast-server',
  },
  {
    in: PROMETHEUS,
    from: 'job_name: feature-server',
    to: 'job_name: feast-server',
    says: 'the job feast-server is named for no service',
  },
  {
    in: PROMETHEUS,
    from: 'job_name: span-metrics',
    to: 'job_name: spans',
    says: 'the job spans is named for no service',
  },
  {
    in: 'docker-compose.logging.yml',
    from: '\n  loki:\n    <<: *peer',
    to: '\n  tempo:\n    <<: *peer',
    says: 'tempo is not scraped',
  },
])('finds that $says', (fault) => {
  expect(scrapeFindings(broken(files, fault))).toContain(fault.says)
})

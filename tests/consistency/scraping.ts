import { parse } from 'yaml'
import { z } from 'zod'
import { type ComposeService, composeServices } from './compose.ts'
import { environmentOf } from './environment.ts'
import type { Files } from './files.ts'

/** Services whose numbers nobody reads, and why. */
export const NOT_SCRAPED: Readonly<Record<string, string>> = {
  redis: 'it does not speak HTTP, and the stack has no exporter for it',
  timescaledb: 'the same',
  'mlflow-db': 'the same',
  vault: 'its metrics ask for a token, and Prometheus is given none',
  'vault-init': 'it serves nothing',
  mlflow: 'it has metrics only where it is started with a folder for them',
  'demo-feed': 'it serves nothing',
}

/** Jobs beside the one of their service, and what they read. */
const SECOND_JOBS: Readonly<Record<string, string>> = {
  'span-metrics': 'otel-collector',
}

const Prometheus = z.object({
  scrape_configs: z.array(
    z.object({
      job_name: z.string(),
      dns_sd_configs: z.array(z.object({ names: z.array(z.string()) })).default([]),
      static_configs: z.array(z.object({ targets: z.array(z.string()) })).default([]),
    }),
  ),
})

/** Every service is scraped under its own name, or says why not; ports are checked with addresses. */
export function scrapeFindings(files: Files): string[] {
  const services = composeServices(files, environmentOf(files))
  const jobs = jobsOf(files)
  const scraped = (service: ComposeService) => jobs.filter((job) => names(service).includes(job.of))
  return [
    ...services.flatMap((service) => {
      const own = scraped(service).map(({ job }) => job)
      const excepted = service.name in NOT_SCRAPED
      if (own.length === 0) return excepted ? [] : [`${service.name} is not scraped`]
      if (excepted) return [`${service.name} is scraped, and needs no exception`]
      return own.includes(jobName(service)) ? [] : [`${service.name} is scraped as ${own.join()}`]
    }),
    ...jobs
      .filter(({ job, of }) => SECOND_JOBS[job] !== of)
      .filter(({ job }) => !services.some((service) => jobName(service) === job))
      .map(({ job }) => `the job ${job} is named for no service`),
  ]
}

/** The name that traces have for a service of ours, the name in compose for the others. */
function jobName(service: ComposeService): string {
  return service.environment['OTEL_SERVICE_NAME'] ?? service.name
}

function names(service: ComposeService): string[] {
  return [service.name, ...service.networks.flatMap(({ aliases }) => aliases)]
}

function jobsOf(files: Files): { job: string; of: string }[] {
  const { scrape_configs } = Prometheus.parse(parse(files.read('config/prometheus/prometheus.yml')))
  return scrape_configs.flatMap(({ job_name: job, dns_sd_configs, static_configs }) => [
    ...dns_sd_configs.flatMap((lookup) => lookup.names.map((of) => ({ job, of }))),
    ...static_configs.flatMap(({ targets }) =>
      // Prometheus itself is its localhost.
      targets.map((target) => ({
        job,
        of: target.replace(/:.*/, '').replace('localhost', 'prometheus'),
      })),
    ),
  ])
}

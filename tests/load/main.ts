// `npm run bench`: speed as ratios against a floor in the same run, each figure a median.
import { parseArgs } from 'node:util'
import type { Figure } from './figure.ts'

const BENCHES: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  reducer: async () => (await import('./reducer.bench.ts')).reducerBench(),
  decision: async () => (await import('./decision.bench.ts')).decisionBench(),
  backfill: async () => (await import('./backfill.bench.ts')).backfillBench(),
  tracing: async () => (await import('./tracing.bench.ts')).tracingBench(),
  'feature-server': async () => (await import('./feature-server.bench.ts')).featureServerBench(),
  'secrets-broker': async () => (await import('./secrets-broker.bench.ts')).secretsBrokerBench(),
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } },
})

if (values.help) {
  console.log(`usage: npm run bench -- [--json] [${Object.keys(BENCHES).join('|')} ...]

Runs the named benchmarks, or all. Exits with 1 when a figure misses its bar.`)
  process.exit(0)
}

const unknown = positionals.filter((name) => !(name in BENCHES))
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`)
  process.exit(2)
}

const figures: Figure[] = []
for (const [name, bench] of Object.entries(BENCHES)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  process.stderr.write(`bench: ${name}\n`)
  figures.push(...(await bench()))
}
if (values.json) console.log(JSON.stringify(figures, null, 2))
else
  console.table(
    figures.map(({ name, value, unit, bar }) => ({
      figure: name,
      value: Number(value.toPrecision(4)),
      unit,
      bar: bar === undefined ? '' : `${bar.kind === 'at_least' ? '≥' : '≤'} ${bar.value}`,
      holds: bar === undefined ? '' : holds({ name, value, unit, bar }) ? 'yes' : 'NO',
    })),
  )
process.exitCode = figures.every(holds) ? 0 : 1

function holds({ value, bar }: Figure): boolean {
  if (bar === undefined) return true
  return bar.kind === 'at_least' ? value >= bar.value : value <= bar.value
}

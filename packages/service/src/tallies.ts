import type { Metric, Registry } from 'prom-client'

// For what every request counts. prom-client makes a text of all labels to find a time series, and another of a
// bound to find its bucket: four observations cost a request as much as reading its row does. Here maps lead
// from label value to label value, counts are numbers in a row, and the registry reads them at the scrape.

type LabelValue = string | number

/** The time series of one metric, each made when it is first asked for. */
export interface Tally<Series> {
  /** @param values one a label name, in their order */
  of(...values: readonly LabelValue[]): Series
}

export interface Count {
  inc(): void
}

export interface Distribution {
  /** @param value finite */
  observe(value: number): void
}

export interface TallyOptions {
  readonly name: string
  readonly help: string
  /** Without labels the one time series is there from the start. */
  readonly labelNames?: readonly string[]
  readonly registers: readonly Registry[]
}

export interface DistributionOptions extends TallyOptions {
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[]
}

/** One line of a scrape, as prom-client has it. */
interface Sample {
  readonly metricName: string
  readonly labels: Readonly<Record<string, LabelValue>>
  readonly value: number
}

export function createCounter(options: TallyOptions): Tally<Count> {
  return createTally('counter', options, (labels) => {
    let count = 0
    return {
      inc() {
        count += 1
      },
      samples: () => [{ metricName: options.name, labels, value: count }],
    }
  })
}

export function createHistogram(options: DistributionOptions): Tally<Distribution> {
  const { name, buckets } = options
  return createTally('histogram', options, (labels) => {
    // Doubles: they do not wrap.
    const counts = new Float64Array(buckets.length + 1)
    let sum = 0
    return {
      observe(value) {
        let bucket = 0
        while (value > (buckets[bucket] as number)) bucket++
        counts[bucket]! += 1
        sum += value
      },
      samples() {
        let count = 0
        const cumulative = Array.from(counts, (own, bucket): Sample => {
          count += own
          const le = buckets[bucket] ?? '+Inf'
          return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count }
        })
        return [
          ...cumulative,
          { metricName: `${name}_sum`, labels, value: sum },
          { metricName: `${name}_count`, labels, value: count },
        ]
      },
    }
  })
}

interface Sampled {
  samples(): readonly Sample[]
}

interface Branch<Series> {
  readonly next: Map<LabelValue, Branch<Series>>
  series: Series | undefined
}

function createTally<Series>(
  type: 'counter' | 'histogram',
  { name, help, labelNames = [], registers }: TallyOptions,
  make: (labels: Sample['labels']) => Series & Sampled,
): Tally<Series> {
  const root: Branch<Series> = { next: new Map(), series: undefined }
  const made: Sampled[] = []

  function add(values: readonly LabelValue[]): Series {
    const series = make(Object.fromEntries(labelNames.map((label, i) => [label, values[i] ?? ''])))
    made.push(series)
    return series
  }

  const tally: Tally<Series> = {
    of(...values) {
      let branch = root
      for (const value of values) {
        let next = branch.next.get(value)
        if (next === undefined) {
          next = { next: new Map(), series: undefined }
          branch.next.set(value, next)
        }
        branch = next
      }
      return (branch.series ??= add(values))
    },
  }
  if (labelNames.length === 0) tally.of()
  const metric = {
    name,
    get: async () => ({
      name,
      help,
      type,
      aggregator: 'sum',
      values: made.flatMap((series) => series.samples()),
    }),
  }
  // prom-client asks no more of a metric than this; its types ask for its own classes.
  for (const registry of registers) registry.registerMetric(metric as unknown as Metric)
  return tally
}

import { Counter, Gauge, type Registry } from 'prom-client'

export interface MaterializerMetrics {
  readonly accepted: Counter
  readonly rejected: Counter<'reason'>
  readonly sealed: Counter
  readonly newestBar: Gauge<'symbol'>
}

/** Every metric of this service; labels come from closed sets and the symbols that are fed. */
export function createMaterializerMetrics(registry: Registry): MaterializerMetrics {
  const registers = [registry]
  return {
    accepted: new Counter({
      name: 'usdcop_materializer_bars_accepted_total',
      help: 'Bars that became a feature row.',
      registers,
    }),
    rejected: new Counter({
      name: 'usdcop_materializer_bars_rejected_total',
      help: 'Bars that were not taken, by the first reason that held.',
      labelNames: ['reason'],
      registers,
    }),
    sealed: new Counter({
      name: 'usdcop_materializer_sessions_sealed_total',
      help: 'Sessions written to Parquet, again after a late row included.',
      registers,
    }),
    newestBar: new Gauge({
      name: 'usdcop_materializer_newest_bar_timestamp_seconds',
      help: 'Label of the newest accepted bar, seconds since the epoch.',
      labelNames: ['symbol'],
      registers,
    }),
  }
}

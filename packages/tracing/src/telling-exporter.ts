import type { NodeSDKConfiguration } from '@opentelemetry/sdk-node'
import type { Teller } from './state.ts'

type SpanExporter = NodeSDKConfiguration['traceExporter']

/** A collector that comes and goes is a line a minute and not one for each batch. */
const QUIET_MS = 60_000

export interface TellingExporter extends SpanExporter {
  tellTo(teller: Teller): void
}

/**
 * Passes spans on and says, once, that they are not being taken, and once that they are again. The
 * SDK on its own loses them without a word, or with a word for each batch.
 *
 * @param now monotonic milliseconds
 */
export function tellingExporter(
  inner: SpanExporter,
  endpoint: string,
  now: () => number,
): TellingExporter {
  let teller: Teller | undefined
  let failure: { readonly told: boolean } | undefined
  let toldAt = Number.NEGATIVE_INFINITY
  let lost = 0

  function failed(spans: number, error: Error | undefined): void {
    lost += spans
    if (failure?.told === true || teller === undefined || now() - toldAt < QUIET_MS) {
      failure ??= { told: false }
      return
    }
    failure = { told: true }
    toldAt = now()
    teller.warn({ endpoint, lost, reason: error?.message }, 'the collector takes no spans')
  }

  function taken(): void {
    if (failure?.told === true) teller?.info({ endpoint, lost }, 'the collector takes spans again')
    failure = undefined
    lost = 0
  }

  return {
    tellTo(next) {
      teller = next
    },
    export(spans, done) {
      inner.export(spans, (result) => {
        // 0 is success; the enum lives in a package that is not ours to import.
        if (result.code === 0) taken()
        else failed(spans.length, result.error)
        done(result)
      })
    },
    forceFlush: async () => await inner.forceFlush?.(),
    shutdown: () => inner.shutdown(),
  }
}

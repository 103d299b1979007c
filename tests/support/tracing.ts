import { shutdownTracing } from '@usdcop/tracing/lifetime'
import type { Settings } from '@usdcop/tracing/settings'
import { startTracing } from '@usdcop/tracing/start'
import { type OtlpSink, type ReceivedSpan, startOtlpSink } from './otlp-sink.ts'

export interface TracedProcess extends AsyncDisposable {
  readonly sink: OtlpSink
  /** Ends tracing, and so sends what is waiting: every span that ended before the call. */
  finish(): Promise<readonly ReceivedSpan[]>
}

/** Traces this very process, to a collector of the test's own; one at a time. */
export async function traceThisProcess(settings: Partial<Settings> = {}): Promise<TracedProcess> {
  const sink = await startOtlpSink()
  startTracing({ endpoint: sink.url, serviceName: 'test', environment: 'test', ...settings })
  return {
    sink,
    async finish() {
      await shutdownTracing(10_000)
      return sink.spans
    },
    async [Symbol.asyncDispose]() {
      await shutdownTracing(10_000)
      await sink[Symbol.asyncDispose]()
    },
  }
}

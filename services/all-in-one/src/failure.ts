import type { StartReport } from '@usdcop/service/start-report'

/**
 * What a person is told of an error that ends the platform: its message and those of its causes.
 * The stack is in the log.
 */
export function failureOf(error: unknown): StartReport & { kind: 'failed' } {
  if (!(error instanceof Error)) return { kind: 'failed', code: 'internal', message: String(error) }
  const code = 'code' in error ? String(error.code) : 'internal'
  return { kind: 'failed', code, message: messages(error) }
}

function messages({ message, cause }: Error): string {
  return cause instanceof Error ? `${message}: ${messages(cause)}` : message
}

import type { StateRow, StateSink } from './features/source.ts'
import type { Ledger, RecordedDecision } from './ledger.ts'

/**
 * Repeats the push of every symbol's newest decided bar: a crash between commit and push lost it,
 * and where it was not lost the store keeps what it has. Throws `features_unavailable`.
 */
export async function repairPushes(
  ledger: Ledger,
  state: StateSink,
  signal: AbortSignal,
): Promise<void> {
  for (const symbol of await ledger.symbols(signal)) {
    const stored = await ledger.account(symbol, signal)
    const barTime = stored?.account.lastBarTime ?? null
    const decision = barTime === null ? undefined : await ledger.decisionOf(symbol, barTime, signal)
    const row = decision && stateOf(decision)
    if (row !== undefined) await state.push(row, signal)
  }
}

/** The state a decision was made in, as it stands in the ledger. */
function stateOf({ symbol, content }: RecordedDecision): StateRow | undefined {
  const valueOf = (name: string) =>
    content.features.find((feature) => feature.name === name)?.value ?? undefined
  const position = valueOf('position')
  const timeNormalized = valueOf('time_normalized')
  if (position === undefined || timeNormalized === undefined) return undefined
  return { symbol, position, timeNormalized, eventTimestamp: content.availableAt }
}

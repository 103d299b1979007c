import type { ObservedBar, ObservedState } from '@usdcop/offline-store/datasets'
import { observationDatasets } from '@usdcop/offline-store/datasets'

export const DATASETS = observationDatasets(
  Array.from({ length: 13 }, (_, i) => (i < 6 ? `technical_${i}` : `macro_${i - 6}`)),
)

const at = (session: string, time: string) => Date.parse(`${session}T${time}Z`)

/** The bar of a session with a given index; its values say where it came from. */
export function observedBar(
  session: string,
  index: number,
  over: Partial<ObservedBar> = {},
): ObservedBar {
  const barTime = at(session, '13:00:00') + index * 300_000
  return {
    symbol: 'USD/COP',
    barTime,
    availableAt: barTime + 300_000,
    open: 3900 + index,
    high: 3901 + index,
    low: 3899 + index,
    close: 3900 + index / 3,
    market: Float64Array.from({ length: 13 }, (_, i) => (index - i) / 7),
    timeNormalized: index / 59,
    gapBars: 0,
    flags: [],
    macroReleasedAt: at(session, '12:50:00'),
    definitionHash: 'hash',
    createdAt: at('2025-07-01', '00:00:00'),
    ...over,
  }
}

export const observedState = (session: string, index: number, position: number): ObservedState => ({
  ...observedBar(session, index),
  position,
})

export const wholeSession = (session: string, bars = 60): ObservedBar[] =>
  Array.from({ length: bars }, (_, i) => observedBar(session, i))

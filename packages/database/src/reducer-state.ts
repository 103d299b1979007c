import type { Queryable } from './database.ts'

/** The reducer's saved state: one blob a symbol, and one of the macro timeline. */
export interface ReducerState {
  readonly macro: Uint8Array | undefined
  readonly symbols: ReadonlyMap<string, Uint8Array>
}

const MACRO = 'macro'
const SYMBOL = 'symbol:'

const save = async (
  q: Queryable,
  definitionHash: string,
  key: string,
  state: Uint8Array,
  signal: AbortSignal,
): Promise<void> => {
  await q.query(
    `insert into reducer_state (definition_hash, key, state) values ($1, $2, $3)
     on conflict (definition_hash, key)
     do update set state = excluded.state, recorded_at = excluded.recorded_at`,
    [definitionHash, key, state],
    signal,
  )
}

export async function saveSymbolState(
  q: Queryable,
  definitionHash: string,
  symbol: string,
  state: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  await save(q, definitionHash, SYMBOL + symbol, state, signal)
}

export async function saveMacroState(
  q: Queryable,
  definitionHash: string,
  state: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  await save(q, definitionHash, MACRO, state, signal)
}

/** All state of one definition; another definition's state is invisible to it. */
export async function loadReducerState(
  q: Queryable,
  definitionHash: string,
  signal: AbortSignal,
): Promise<ReducerState> {
  const rows = await q.query<{ key: string; state: Uint8Array }>(
    `select key, state from reducer_state where definition_hash = $1 order by key`,
    [definitionHash],
    signal,
  )
  const byKey = new Map(rows.map((row) => [row.key, row.state]))
  const macro = byKey.get(MACRO)
  byKey.delete(MACRO)
  return {
    macro,
    symbols: new Map([...byKey].map(([key, state]) => [key.slice(SYMBOL.length), state])),
  }
}

import { as, askJson } from './http.ts'

export const SYMBOL = 'USD/COP'

/** A decision as `GET /v1/decisions` lists it. Instants in epoch ms. */
export interface Decision {
  readonly seq: number
  readonly id: string
  readonly symbol: string
  readonly barTime: number
  readonly availableAt: number
  readonly trigger: string
  readonly session: string
  readonly outcome: string
  readonly signal: string | null
  readonly reasons: readonly string[]
  readonly decidedAt: number
  readonly recordedAt: number
}

/** One decision whole, with its place in the chain and what it was made on. */
export interface WholeDecision extends Decision {
  readonly prevHash: string
  readonly hash: string
  readonly action: number | null
  readonly features: readonly { readonly name: string; readonly status: string }[]
  readonly model: { readonly name: string; readonly version: string } | null
  readonly definitionHash: string
  readonly contractHash: string
}

interface Page {
  readonly decisions: readonly Decision[]
  readonly next: number | null
}

/** Newest first. */
export async function newestDecisions(
  symbol: string,
  limit: number,
  signal: AbortSignal,
): Promise<readonly Decision[]> {
  return (await page(symbol, limit, undefined, signal)).decisions
}

/** Every decision behind `seq`, oldest first; of all symbols where none is given. */
export async function decisionsAfter(
  symbol: string | undefined,
  seq: number,
  signal: AbortSignal,
): Promise<readonly Decision[]> {
  const found: Decision[] = []
  let before: number | undefined
  do {
    const { decisions, next } = await page(symbol, 500, before, signal)
    found.push(...decisions)
    before = next ?? undefined
  } while (before !== undefined && before > seq + 1)
  return found.filter((one) => one.seq > seq).reverse()
}

export async function wholeDecision(id: string, signal: AbortSignal): Promise<WholeDecision> {
  return await askJson('inference-gateway', `/v1/decisions/${id}`, read(), signal)
}

/** The newest decision that a closed bar brought about. Throws when it was recorded before `since`. */
export async function decisionSince(since: number, signal: AbortSignal): Promise<Decision> {
  const newest = (await newestDecisions(SYMBOL, 20, signal)).find(
    ({ trigger }) => trigger === 'bar',
  )
  if (newest === undefined) throw new Error(`no bar of ${SYMBOL} was ever decided on`)
  if (newest.recordedAt < since)
    throw new Error(
      `the newest is ${newest.id}, of the bar ${iso(newest.barTime)}, recorded ${iso(newest.recordedAt)}`,
    )
  return newest
}

export interface ServedFeature {
  readonly name: string
  readonly value: unknown
  readonly status: string
  readonly eventTimestamp: string
}

/** The fifteen of a symbol, by name, as the feature server answers. */
export async function servedFeatures(
  symbol: string,
  signal: AbortSignal,
): Promise<readonly ServedFeature[]> {
  const body = { feature_service: 'observation_15d', entities: { symbol: [symbol] } }
  const { metadata, results } = await askJson<FeastReply>(
    'feast-server',
    '/get-online-features',
    { body, headers: as.reader() },
    signal,
  )
  const columns = metadata.feature_names.map((name, i) => ({
    name,
    value: results[i]?.values[0],
    status: results[i]?.statuses[0] ?? 'no column',
    eventTimestamp: results[i]?.event_timestamps[0] ?? '',
  }))
  return columns.filter(({ name }) => name !== 'symbol')
}

interface FeastReply {
  readonly metadata: { readonly feature_names: readonly string[] }
  readonly results: readonly {
    readonly values: readonly unknown[]
    readonly statuses: readonly string[]
    readonly event_timestamps: readonly string[]
  }[]
}

export interface MaterializerStatus {
  readonly definitionHash: string
  readonly symbols: readonly { readonly symbol: string; readonly lastBar: string }[]
}

export async function materializerStatus(signal: AbortSignal): Promise<MaterializerStatus> {
  return await askJson('materializer', '/v1/status', read(), signal)
}

/** Label of the newest accepted bar; undefined before the first. */
export async function lastBarOf(symbol: string, signal: AbortSignal): Promise<number | undefined> {
  const { symbols } = await materializerStatus(signal)
  const lastBar = symbols.find((one) => one.symbol === symbol)?.lastBar
  return lastBar === undefined ? undefined : Date.parse(lastBar)
}

export function iso(instant: number): string {
  return new Date(instant).toISOString()
}

function read() {
  return { headers: as.reader() }
}

async function page(
  symbol: string | undefined,
  limit: number,
  before: number | undefined,
  signal: AbortSignal,
): Promise<Page> {
  const query = new URLSearchParams({ limit: String(limit) })
  if (symbol !== undefined) query.set('symbol', symbol)
  if (before !== undefined) query.set('before', String(before))
  return await askJson('inference-gateway', `/v1/decisions?${query.toString()}`, read(), signal)
}

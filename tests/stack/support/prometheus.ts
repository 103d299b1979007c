import { askJson } from './http.ts'

export interface Target {
  readonly scrapePool: string
  readonly scrapeUrl: string
  readonly health: string
  readonly lastError: string
}

export async function activeTargets(signal: AbortSignal): Promise<readonly Target[]> {
  const { data } = await askJson<{ data: { activeTargets: Target[] } }>(
    'prometheus',
    '/api/v1/targets?state=active',
    {},
    signal,
  )
  return data.activeTargets
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The samples of an instant query. */
export async function query(promql: string, signal: AbortSignal): Promise<readonly Sample[]> {
  const { data } = await askJson<{
    data: { result: { metric: Record<string, string>; value: [number, string] }[] }
  }>('prometheus', `/api/v1/query?${new URLSearchParams({ query: promql }).toString()}`, {}, signal)
  return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
}

/** The largest sample of the query. Throws unless it is above zero. */
export async function positive(promql: string, signal: AbortSignal): Promise<number> {
  const samples = await query(promql, signal)
  const largest = Math.max(...samples.map(({ value }) => value))
  if (!(largest > 0)) throw new Error(`${promql} is ${JSON.stringify(samples)}`)
  return largest
}

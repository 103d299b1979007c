import { askJson } from './http.ts'

export interface Line {
  readonly labels: Readonly<Record<string, string>>
  readonly text: string
}

/** The newest lines of a LogQL query, since an instant in epoch ms. */
export async function logLines(
  logql: string,
  since: number,
  signal: AbortSignal,
): Promise<readonly Line[]> {
  const asked = new URLSearchParams({ query: logql, start: `${since}000000`, limit: '200' })
  const { data } = await askJson<{
    data: { result: { stream: Record<string, string>; values: [string, string][] }[] }
  }>('loki', `/loki/api/v1/query_range?${asked.toString()}`, {}, signal)
  return data.result.flatMap(({ stream, values }) =>
    values.map(([, text]) => ({ labels: stream, text })),
  )
}

/** The label sets under which Loki keeps what matches; not the metadata of single lines. */
export async function streams(
  selector: string,
  signal: AbortSignal,
): Promise<readonly Readonly<Record<string, string>>[]> {
  const start = `${Date.now() - 3_600_000}000000`
  const asked = new URLSearchParams({ 'match[]': selector, start })
  const path = `/loki/api/v1/series?${asked.toString()}`
  return (await askJson<{ data: Record<string, string>[] }>('loki', path, {}, signal)).data
}

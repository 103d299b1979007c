import { fileURLToPath } from 'node:url'
import { runFeast } from '@usdcop/tests/support/feast-forks'

type Columns = Readonly<Record<string, readonly unknown[]>>

/** An ISO instant, which becomes a Python `datetime`. */
interface Instant {
  readonly $time: string
}

export type SdkCall =
  | {
      readonly do: 'read'
      readonly entities: Columns
      readonly features?: readonly string[]
      readonly service?: string
      /** A service that the client believes in and the server has never heard of. */
      readonly unknown_service?: string
      readonly full_feature_names?: boolean
      readonly as_rows?: boolean
    }
  | { readonly do: 'write'; readonly view: string; readonly df: Columns }
  | { readonly do: 'push'; readonly source: string; readonly df: Columns }
  | {
      readonly do: 'materialize'
      readonly start: Instant
      readonly end: Instant
      readonly views: readonly string[]
    }
  | {
      readonly do: 'materialize_incremental'
      readonly end: Instant
      readonly views: readonly string[]
    }

export interface Read {
  readonly values: Columns
  readonly statuses: Readonly<Record<string, readonly string[]>>
  readonly rows: number
}

export type SdkSaid =
  | { readonly returned: Read | null }
  | { readonly raised: string; readonly message: string }

export interface SdkJob {
  readonly repository: string
  readonly calls: readonly SdkCall[]
}

/** What Feast's SDK makes of the calls of each job. */
export async function sdkSays<const Jobs extends readonly SdkJob[]>(
  jobs: Jobs,
  signal: AbortSignal,
): Promise<{ readonly [Index in keyof Jobs]: readonly SdkSaid[] }> {
  const script = fileURLToPath(new URL('sdk.py', import.meta.url))
  return JSON.parse(await runFeast([script], signal, { input: JSON.stringify(jobs) })) as {
    readonly [Index in keyof Jobs]: readonly SdkSaid[]
  }
}

import type { OnlineStore } from '../stores/online-store.ts'
import { keyedReads, type RequestRows } from './entity-rows.ts'
import { computeColumns } from './on-demand.ts'
import type { Plan } from './plan.ts'
import { columnsOfVectors, vectorRead } from './precomputed.ts'
import type { Reply, StatusCounts } from './reply.ts'
import { type ResultColumn, writeColumns } from './result-columns.ts'
import type { Transformer } from './transform.ts'
import { type Serving, STATUSES } from './ttl.ts'

export interface AssembledInput {
  readonly plan: Plan
  readonly rows: RequestRows
  /** Domain time, epoch milliseconds. */
  readonly now: number
  readonly serving: Serving
  readonly viewMetadata: boolean
  readonly store: OnlineStore
  readonly transform: Transformer
}

/** Whether a request cannot be answered by copying what is stored. */
export function needsAssembly({ transforms, precomputed }: Plan): boolean {
  return transforms.length > 0 || precomputed !== undefined
}

/**
 * Answers a request from values instead of stored bytes, slower: for on-demand views, which compute
 * with them, and for stored vectors, which hold them in one.
 * @throws ServiceError what reading throws, `transform_failed` or `not_supported` naming an on-demand
 *   view, `invalid_request` for vectors that are missing
 */
export async function assembleReply(input: AssembledInput, signal: AbortSignal): Promise<Reply> {
  const columns = await columnsOf(input, signal)
  const body = writeColumns(columns, input.plan, input.viewMetadata)
  return { body, counts: countsOf(input.plan, columns.slice(input.rows.columns.size)) }
}

async function columnsOf(
  input: AssembledInput,
  signal: AbortSignal,
): Promise<readonly ResultColumn[]> {
  const { plan, rows, serving, store } = input
  if (plan.precomputed !== undefined) {
    const read = vectorRead(plan, plan.precomputed, rows, serving)
    const [stored = []] = await store.read([read], signal)
    return columnsOfVectors(plan, plan.precomputed, rows, read, stored, input)
  }
  const reads = keyedReads(plan, rows, serving)
  // A view may compute from the request alone.
  const stored = reads.length === 0 ? [] : await store.read(reads, signal)
  return computeColumns({ ...input, reads, stored }, signal)
}

function countsOf({ views }: Plan, columns: readonly ResultColumn[]): StatusCounts[] {
  let next = 0
  return views.map(({ columns: names }) => {
    const counts = STATUSES.map(() => 0)
    for (const { statuses } of columns.slice(next, next + names.length))
      for (const status of statuses) {
        const at = STATUSES.indexOf(status)
        counts[at] = (counts[at] as number) + 1
      }
    next += names.length
    return counts
  })
}

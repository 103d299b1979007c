import type { OnDemandRow } from '../registry/definitions.ts'
import type { StoredRow } from '../stores/online-store.ts'
import type { Value } from '../wire/value-types.ts'
import type { KeyedRead, RequestRows } from './entity-rows.ts'
import type { Plan, PlannedTransform } from './plan.ts'
import { joinKeyColumns, type ResultColumn, viewColumns } from './result-columns.ts'
import type { Transformer } from './transform.ts'
import type { Serving, Status } from './ttl.ts'

export interface OnDemandInput {
  readonly plan: Plan
  readonly rows: RequestRows
  /** One a view of the plan. */
  readonly reads: readonly KeyedRead[]
  /** The store's answer to `reads`. */
  readonly stored: readonly (readonly (StoredRow | undefined)[])[]
  /** Domain time, epoch milliseconds. */
  readonly now: number
  readonly serving: Serving
  readonly transform: Transformer
}

/**
 * The columns of a request with on-demand views: its join keys, what was read for its own sake, what
 * was computed. Request data, and features read only to compute others, are dropped, as in Feast.
 * @throws ServiceError `transform_failed` or `not_supported`, naming the view
 */
export async function computeColumns(
  input: OnDemandInput,
  signal: AbortSignal,
): Promise<readonly ResultColumn[]> {
  const { plan, rows, reads, stored } = input
  const read = plan.views.map((view, index) =>
    viewColumns(view, reads[index] as KeyedRead, stored[index] ?? [], rows, input),
  )
  const shown = plan.views.flatMap(({ columns }, index) =>
    columns.map((name, at) => ({ ...(read[index]?.[at] as ResultColumn), name })),
  )
  const computed = await Promise.all(
    plan.transforms.map(async (each) => {
      const inputs = inputsOf(each, input, read)
      const outputs = await input.transform(each.view, inputs, signal)
      return each.features.map((feature, at) =>
        computedColumn(each.columns[at] as string, feature, outputs, input.serving),
      )
    }),
  )
  return [...joinKeyColumns(rows), ...shown, ...computed.flat()]
}

/**
 * One row for each row of the request: its join keys, the columns the view asks the request for, and
 * the features it declares, both as `feature` and as `view__feature`; nothing else.
 */
function inputsOf(
  { view }: PlannedTransform,
  { plan, rows }: OnDemandInput,
  read: readonly (readonly ResultColumn[])[],
): OnDemandRow[] {
  const columns = new Map<string, readonly Value[]>(rows.columns)
  for (const { schema } of view.requestSources)
    for (const { name } of schema) columns.set(name, rows.requestData.get(name) ?? [])
  for (const { view: source, features } of view.projections) {
    const index = plan.views.findIndex(({ label }) => label === source)
    for (const feature of features) {
      const values = read[index]?.find(({ name }) => name === feature)?.values ?? []
      columns.set(feature, values)
      columns.set(`${source}__${feature}`, values)
    }
  }
  return Array.from({ length: rows.count }, (_, row) =>
    Object.fromEntries([...columns].map(([name, values]) => [name, values[row] ?? null])),
  )
}

function computedColumn(
  name: string,
  feature: string,
  outputs: readonly OnDemandRow[],
  serving: Serving,
): ResultColumn {
  const values = outputs.map((row) => row[feature] ?? null)
  const statuses = values.map(
    (value): Status => (value === null && serving !== 'strict' ? 'NULL_VALUE' : 'PRESENT'),
  )
  return { name, values, statuses, times: values.map(() => 0) }
}

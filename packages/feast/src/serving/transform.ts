import { ServiceError } from '@usdcop/service/errors'
import type { OnDemandRow, OnDemandView } from '../registry/definitions.ts'
import type { Value } from '../wire/value-types.ts'

/** Computes the features of an on-demand view, one row of them for each row of inputs. */
export type Transformer = (
  view: OnDemandView,
  inputs: readonly OnDemandRow[],
  signal: AbortSignal,
) => Promise<readonly OnDemandRow[]>

/**
 * Runs views written in TypeScript here, and leaves the others to `python`: Feast's transformation
 * service where one is configured.
 */
export function createTransformer(python: Transformer = refusePython): Transformer {
  return async (view, inputs, signal) => {
    const { transform } = view
    if (transform === undefined) return python(view, inputs, signal)
    return inputs.map((row) => checked(view, run(view, transform, row)))
  }
}

const refusePython: Transformer = async (view) => {
  throw refusedMode(view)
}

/** Says why a view in Python does not run, and what would make it run. */
export function refusedMode({ name, mode }: OnDemandView): ServiceError {
  const remedy =
    mode === 'pandas'
      ? ": name Feast's transformation service, which runs it, as " +
        'feature_server.transformation_service_endpoint in feature_store.yaml'
      : ", and Feast's transformation service runs the mode pandas alone: define it in that mode"
  return new ServiceError(
    'not_supported',
    `On demand feature view '${name}' is of the mode ${mode}, which does not run here${remedy}`,
  )
}

function run(
  view: OnDemandView,
  transform: NonNullable<OnDemandView['transform']>,
  row: OnDemandRow,
): OnDemandRow {
  try {
    return transform(row)
  } catch (cause) {
    throw new ServiceError('transform_failed', `On demand feature view '${view.name}' failed`, {
      cause,
    })
  }
}

/** A row as the view declares it. @throws ServiceError `transform_failed` where it is another */
export function checked({ name, features }: OnDemandView, row: OnDemandRow): OnDemandRow {
  const values: Record<string, Value> = {}
  for (const feature of features) {
    const value = row[feature.name] ?? null
    if (value !== null && value.type !== feature.valueType)
      throw new ServiceError(
        'transform_failed',
        `On demand feature view '${name}' gave ${feature.name} as ${value.type} instead of ` +
          feature.valueType,
      )
    values[feature.name] = value
  }
  return values
}

import { ServiceError } from '@usdcop/service/errors'
import type { FeatureView, OnDemandView, Registry } from '../registry/definitions.ts'
import { entitiesOf, findView } from '../registry/registry.ts'
import { asStored } from './stored-view.ts'
import type { Transformer } from './transform.ts'

/**
 * The names of the views that a materialization writes: those that are named, else all that have a
 * history and are served online. Of on-demand views these are the stored ones that can be computed
 * here; a transformer refuses another even where it is given no rows.
 * @throws ServiceError `feature_view_unknown`, `invalid_request` for a named view that stores nothing or
 *   has no history, `not_supported` for a named view that cannot be computed here
 */
export async function viewsToMaterialize(
  registry: Registry,
  names: readonly string[] | undefined,
  transform: Transformer,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { views, onDemandViews } = registry
  if (names === undefined) {
    const all = [...views.values()].filter((view) => isServed(view) && view.batchSource)
    const stored: OnDemandView[] = []
    for (const view of onDemandViews.values())
      if (faultOf(registry, view) === undefined && (await isComputed(view, transform, signal)))
        stored.push(view)
    return [...all, ...stored].map(({ name }) => name)
  }
  const named = [...new Set(names)]
  for (const name of named) {
    const onDemand = onDemandViews.get(name)
    if (onDemand === undefined) {
      assertServed(findView(registry, name))
      continue
    }
    const fault = faultOf(registry, onDemand)
    if (fault !== undefined) throw new ServiceError('invalid_request', fault)
    await transform(onDemand, [], signal)
  }
  return named
}

function isServed({ online, disabled }: FeatureView): boolean {
  return online !== false && disabled !== true
}

/** In Feast's words. */
function assertServed({ name, online, disabled }: FeatureView): void {
  if (disabled === true)
    throw new ServiceError(
      'invalid_request',
      `FeatureView ${name} is disabled. Enable it before materializing.`,
    )
  if (online === false)
    throw new ServiceError(
      'invalid_request',
      `FeatureView ${name} is not configured to be served online.`,
    )
}

async function isComputed(
  view: OnDemandView,
  transform: Transformer,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await transform(view, [], signal)
    return true
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'not_supported') return false
    throw error
  }
}

/** Why an on-demand view has nothing to materialize. */
function faultOf(registry: Registry, view: OnDemandView): string | undefined {
  const { name, projections } = view
  if (view.writeToOnlineStore !== true)
    return `OnDemandFeatureView ${name} is not configured for write_to_online_store.`
  if (projections.length === 0)
    return `On demand feature view '${name}' computes from request data alone, which has no history`
  const keys = joinKeys(registry, asStored(registry, view))
  for (const { view: source } of projections) {
    const from = registry.views.get(source)
    if (from?.batchSource === undefined)
      return `On demand feature view '${name}' computes from ${source}, which has no batch source`
    if (joinKeys(registry, from) !== keys)
      return `On demand feature view '${name}' computes from ${source}, which has other join keys`
  }
  return undefined
}

function joinKeys(registry: Registry, view: FeatureView): string {
  const names = entitiesOf(registry, view).map(({ joinKey }) => joinKey)
  return JSON.stringify(names.toSorted())
}

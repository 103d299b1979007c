import { booleanFault, booleanOf, type Fault, faultsOf } from './body.ts'
import { isObject } from './online-request.ts'

export interface PushRequest {
  readonly pushSource: string
  /** Column name → values, or whatever the caller sent: `readFrame` judges it. */
  readonly df: Readonly<Record<string, unknown>>
  readonly to: string
}

/** The body of `POST /push`, refused in the words of Feast's server. */
export function parsePushRequest(body: Readonly<Record<string, unknown>>): PushRequest {
  const faults: Fault[] = []
  const { push_source_name: pushSource, df, to = 'online' } = body
  if (pushSource === undefined) faults.push(faultsOf.missing(['push_source_name'], body))
  else if (typeof pushSource !== 'string')
    faults.push(faultsOf.text(['push_source_name'], pushSource))
  if (df === undefined) faults.push(faultsOf.missing(['df'], body))
  else if (!isObject(df)) faults.push(faultsOf.dict(['df'], df))
  if (typeof to !== 'string') faults.push(faultsOf.text(['to'], to))
  for (const name of ['allow_registry_cache', 'transform_on_write']) {
    const value = body[name]
    if (value !== undefined && booleanOf(value) === undefined)
      faults.push(booleanFault([name], value))
  }
  if (faults.length > 0) throw faultsOf.error(faults)
  return {
    pushSource: pushSource as string,
    df: df as Record<string, unknown>,
    to: to as string,
  }
}

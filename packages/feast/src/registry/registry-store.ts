import type { RegistryMessage } from '../proto/registry-message.ts'
import type { Definitions, Interval, Registry } from './definitions.ts'
import type { ViewVersion } from './view-versions.ts'

/** What applying definitions would do, or did, to one object. */
export interface RegistryChange {
  /** Feast's name of the object's class, as `FeatureView`. */
  readonly kind: string
  readonly name: string
  readonly change: 'created' | 'updated' | 'unchanged' | 'deleted'
}

/**
 * Where one project's definitions are kept: Feast's `registry.db`, or its tables in PostgreSQL.
 * What other projects keep there, and what we do not know, survives every write.
 * Every method may throw ServiceError `store_unavailable`, or `config_invalid` where what is kept
 * cannot be read.
 */
export interface RegistryStore {
  /** The same object as before while nothing has changed. */
  read(signal: AbortSignal): Promise<Registry>
  /** All that is kept, of every project, whatever we have words for. */
  readMessage(signal: AbortSignal): Promise<RegistryMessage>
  /** The versions of a view, of whatever kind, the first one first; none of a view that is not there. */
  versionsOf(view: string, signal: AbortSignal): Promise<readonly ViewVersion[]>
  /** What `apply` would change, without a write. */
  plan(definitions: Definitions, signal: AbortSignal): Promise<readonly RegistryChange[]>
  /** Objects that the definitions no longer name are deleted, as `feast apply` does. */
  apply(definitions: Definitions, signal: AbortSignal): Promise<readonly RegistryChange[]>
  /** Appends the interval and makes the view one that Feast serves. */
  recordMaterialization(view: string, interval: Interval, signal: AbortSignal): Promise<void>
  /** Deletes this project's objects and no other's. */
  deleteProject(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

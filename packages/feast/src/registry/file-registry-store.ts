import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ServiceError } from '@usdcop/service/errors'
import { type RegistryMessage, writeRegistryMessage } from '../proto/registry-message.ts'
import type { Definitions, Registry } from './definitions.ts'
import { encodeProject } from './encode-definitions.ts'
import { withFileLock } from './file-lock.ts'
import { recordInterval } from './record-interval.ts'
import { createRegistry } from './registry.ts'
import { applyProject, deleteProjectOf, markChanged } from './registry-changes.ts'
import { objectsOf, parseRegistry } from './registry-file.ts'
import { createRegistryReader, type DecodeOptions } from './registry-reader.ts'
import type { RegistryChange, RegistryStore } from './registry-store.ts'
import { lastVersions, recordVersions, versionsOf } from './view-versions.ts'

export interface FileRegistry extends DecodeOptions {
  readonly path: string
}

/**
 * Feast's `registry.db`. A write replaces the file in one step, so no reader finds half of it, and
 * writers of ours take turns; Feast's own knows of no turns, and of it and us the last one stands.
 * @param now epoch milliseconds
 */
export function openFileRegistry(
  { path, onlineVersioning }: FileRegistry,
  project: string,
  now: () => number,
): RegistryStore {
  const readObjects = createRegistryReader(project, { onlineVersioning })
  let last: { readonly bytes: Buffer; readonly registry: Registry } | undefined
  // Writes of this process take turns.
  let turn: Promise<unknown> = Promise.resolve()

  function change<T>(
    edit: (message: RegistryMessage) => T,
    signal: AbortSignal,
    bytesIfNone?: Buffer,
  ): Promise<T> {
    const next = turn.then(async () => {
      if (bytesIfNone !== undefined) await makeFolder(path)
      return await locked(path, signal, async () => {
        const bytes = (await readBytes(path, signal)) ?? bytesIfNone ?? missing(path)
        const message = parseRegistry(bytes)
        const result = edit(message)
        markChanged(message, randomUUID(), now())
        await replaceFile(path, writeRegistryMessage(message))
        return result
      })
    })
    turn = next.catch(() => {})
    return next
  }

  return {
    async read(signal) {
      const bytes = (await readBytes(path, signal)) ?? missing(path)
      if (last?.bytes.equals(bytes) === true) return last.registry
      const registry = await readObjects(objectsOf(bytes), signal)
      last = { bytes, registry }
      return registry
    },
    readMessage: async (signal) => parseRegistry((await readBytes(path, signal)) ?? missing(path)),
    versionsOf: async (view, signal) =>
      versionsOf(parseRegistry((await readBytes(path, signal)) ?? missing(path)), project, view),
    async plan(definitions, signal) {
      const message = parseRegistry((await readBytes(path, signal)) ?? Buffer.alloc(0))
      return changesOf(message, definitions)
    },
    apply: async (definitions, signal) =>
      await change((message) => changesOf(message, definitions), signal, Buffer.alloc(0)),
    async recordMaterialization(view, interval, signal) {
      const materialized = { project, view, ...interval }
      await change((message) => recordInterval(message, materialized, now()), signal)
    },
    async deleteProject(signal) {
      await change((message) => deleteProjectOf(message, project), signal)
    },
    close: async () => {},
  }

  function changesOf(
    message: RegistryMessage,
    definitions: Definitions,
  ): readonly RegistryChange[] {
    const at = now()
    const { changes, versions } = applyProject(message, {
      project,
      wanted: encodeProject(createRegistry(definitions)),
      lastVersions: lastVersions(message, project),
      now: at,
    })
    recordVersions(message, project, versions, at)
    return changes
  }
}

function missing(path: string): never {
  throw new ServiceError('config_invalid', `there is no registry at ${path}: \`apply\` makes it`)
}

async function readBytes(path: string, signal: AbortSignal): Promise<Buffer | undefined> {
  try {
    return await readFile(path, { signal })
  } catch (error) {
    signal.throwIfAborted()
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unavailable(path, error)
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true })
  } catch (error) {
    throw unavailable(path, error)
  }
}

async function locked<T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await withFileLock(`${path}.lock`, signal, work)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof ServiceError) throw error
    // Without the folder there is no registry in it.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') missing(path)
    throw unavailable(path, error)
  }
}

async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const written = `${path}.${randomUUID()}`
  try {
    await using file = await open(written, 'wx', 0o644)
    await file.writeFile(bytes)
    await file.sync()
    await rename(written, path)
  } catch (error) {
    await rm(written, { force: true })
    throw unavailable(path, error)
  }
}

function unavailable(path: string, cause: unknown): ServiceError {
  return new ServiceError('store_unavailable', `the registry ${path} cannot be used`, { cause })
}

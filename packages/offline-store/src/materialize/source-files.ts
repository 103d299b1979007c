import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BatchSource } from '@usdcop/feast/registry/definitions'
import { ServiceError } from '@usdcop/service/errors'
import { quoteText } from '../parquet.ts'

/** Feast's name of a file source. */
const FILES = 'BATCH_FILE'

/**
 * The table function that reads a file source: one Parquet file, all those of a folder, or a glob.
 * @param directory where relative paths begin: the feature repository's
 * @throws ServiceError `not_supported` for any other source
 */
export async function filesOf(source: BatchSource, directory: string): Promise<string> {
  const local = localPath(source, directory)
  const files = (await isFolder(local)) ? join(local, '**', '*.parquet') : local
  return `read_parquet(${quoteText(files)}, union_by_name = true)`
}

/**
 * Where a file source lies on this machine.
 * @throws ServiceError `not_supported` for any other source
 */
export function localPath({ name, kind, path }: BatchSource, directory: string): string {
  if (kind !== FILES || path === undefined)
    throw new ServiceError(
      'not_supported',
      `Data source '${name}' is of the kind ${kind}; only files can be materialized or written here`,
    )
  if (path.startsWith('file://')) return fileURLToPath(path)
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path))
    throw new ServiceError(
      'not_supported',
      `Data source '${name}' lies at ${path.split('://')[0]}://; only local files can be read here`,
    )
  return resolve(directory, path)
}

/** False as well where nothing is: a glob is no path, and DuckDB names a file that is missing. */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

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
  const { name, kind, path } = source
  if (kind !== FILES || path === undefined)
    throw new ServiceError(
      'not_supported',
      `Data source '${name}' is of the kind ${kind}; only files can be materialized here`,
    )
  const local = localPath(path, directory)
  if (local === undefined)
    throw new ServiceError(
      'not_supported',
      `Data source '${name}' lies at ${path.split('://')[0]}://; only local files can be read here`,
    )
  const files = (await isFolder(local)) ? join(local, '**', '*.parquet') : local
  return `read_parquet(${quoteText(files)}, union_by_name = true)`
}

function localPath(path: string, directory: string): string | undefined {
  if (path.startsWith('file://')) return fileURLToPath(path)
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(path) ? undefined : resolve(directory, path)
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    // A glob is no path, and DuckDB names a file that is missing.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

import { randomUUID } from 'node:crypto'
import { constants, copyFile, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { BatchSource } from '@usdcop/feast/registry/definitions'
import { withFileLock } from '@usdcop/feast/registry/file-lock'
import type { OfflineColumn, OfflineWriter } from '@usdcop/feast/registry/offline-writer'
import { ServiceError } from '@usdcop/service/errors'
import { isFolder, localPath } from '../materialize/source-files.ts'
import { offlineError } from '../parquet.ts'
import { fileColumns } from './file-columns.ts'
import { grownTail, openParquet, type ParquetFile, wholeFile } from './parquet-tail.ts'

/**
 * Appends to Parquet files, in the schema that they have. A folder gets a further file. A single file is
 * replaced in one step by a copy with more rows, whoever reads it; writers of ours take turns, also
 * across processes. Feast's own knows of no turns.
 * @param directory the feature repository: relative paths of sources begin here
 */
export function createOfflineWriter(directory: string): OfflineWriter {
  return {
    async append(view, source, columns, signal) {
      const path = localPath(source, directory)
      if ((columns[0]?.values.length ?? 0) === 0) return
      try {
        if (await isFolder(path)) await addFile(path, source, columns, signal)
        else
          await withFileLock(`${path}.lock`, signal, () => growFile(path, source, columns, signal))
      } catch (error) {
        throw offlineError(`the source of ${view.name} cannot be written`, error, signal)
      }
    },
  }
}

async function addFile(
  folder: string,
  source: BatchSource,
  columns: readonly OfflineColumn[],
  signal: AbortSignal,
): Promise<void> {
  const names = (await readdir(folder)).toSorted()
  if (names.some((name) => name === '_delta_log' || name.includes('=')))
    throw new ServiceError(
      'not_supported',
      `Data source '${source.name}' is a table of partitions or of Delta Lake, which is not written here`,
    )
  const like = names.filter((name) => name.endsWith('.parquet')).at(-1)
  if (like === undefined) throw noSchema(source)
  const file = await openParquet(join(folder, like))
  const bytes = wholeFile(file, fileColumns(like, file.metadata, columns))
  // Nobody takes a hidden file for one of the table.
  const written = join(folder, `.${randomUUID()}.tmp`)
  await replace(written, join(folder, `push-${randomUUID()}.parquet`), signal, async () => {
    await using to = await open(written, 'wx', 0o644)
    await to.writeFile(bytes)
    await to.sync()
  })
}

async function growFile(
  path: string,
  source: BatchSource,
  columns: readonly OfflineColumn[],
  signal: AbortSignal,
): Promise<void> {
  const file = await openExisting(path, source)
  const name = path.slice(dirname(path).length + 1)
  const { from, bytes } = await grownTail(file, fileColumns(name, file.metadata, columns))
  const written = join(dirname(path), `.${name}.${randomUUID()}.tmp`)
  await replace(written, path, signal, async () => {
    await copyFile(path, written, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
    await using to = await open(written, 'r+')
    await to.truncate(from)
    await to.write(bytes, 0, bytes.length, from)
    await to.sync()
  })
}

/** Writes where nobody looks, then puts it in place; a failure or the signal leaves nothing behind. */
async function replace(
  written: string,
  path: string,
  signal: AbortSignal,
  write: () => Promise<void>,
): Promise<void> {
  try {
    await write()
    signal.throwIfAborted()
    await rename(written, path)
  } catch (error) {
    await rm(written, { force: true })
    throw error
  }
  await using folder = await open(dirname(path), 'r')
  await folder.sync()
}

async function openExisting(path: string, source: BatchSource): Promise<ParquetFile> {
  try {
    return await openParquet(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw noSchema(source)
    throw error
  }
}

/** Feast, too, appends to what is there. */
function noSchema({ name }: BatchSource): ServiceError {
  return new ServiceError(
    'invalid_request',
    `Data source '${name}' has no Parquet file yet, whose columns say how to write`,
  )
}

import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { PGlite } from '@electric-sql/pglite'

/**
 * An empty database as initdb leaves it. Running initdb in WebAssembly takes seconds (6 s of CPU
 * where unpacking this takes 0.3 s), and its result is always the same. `node src/template/main.ts`
 * writes it anew after an upgrade of PGlite; a test compares its version with PGlite's own.
 */
const TEMPLATE = new URL('../template/pgdata.tar.zst', import.meta.url)
const LEVEL = 19

/** The template as PGlite's `loadDataDir` wants it: a tar archive. */
export async function loadTemplate(): Promise<Blob> {
  return new Blob([await promisify(zstdDecompress)(await readFile(TEMPLATE))])
}

/** Runs initdb in memory and packs what it made. */
export async function makeTemplate(): Promise<Buffer> {
  const pg = await PGlite.create()
  try {
    const tar = await (await pg.dumpDataDir('none')).arrayBuffer()
    return await promisify(zstdCompress)(Buffer.from(tar), {
      params: { [constants.ZSTD_c_compressionLevel]: LEVEL },
    })
  } finally {
    await pg.close()
  }
}

import fs from 'node:fs'
import type { PGlite, postgresMod } from '@electric-sql/pglite'
import { NodeFS } from '@electric-sql/pglite/nodefs'

type PostgresMod = postgresMod.PostgresMod

interface NodeFsModule {
  readonly NODEFS: { stream_ops: { fsync?: (stream: { readonly nfd: number }) => number } }
}

/**
 * A directory in which `fsync` is one. Emscripten's NODEFS has no fsync at all (the call succeeds
 * and does nothing), so that a PGlite commit would survive the death of the process, not of the
 * machine. PostgreSQL has to be told `wal_sync_method=fsync` with it: fdatasync stays a no-op.
 */
export class DurableNodeFs extends NodeFS {
  override async init(pg: PGlite, options: Partial<PostgresMod>) {
    const made = await super.init(pg, options)
    const withFsync = (module: PostgresMod) => {
      ;(module as unknown as NodeFsModule).NODEFS.stream_ops.fsync = ({ nfd }) => {
        fs.fsyncSync(nfd)
        return 0
      }
    }
    made.emscriptenOpts.preRun = [...(made.emscriptenOpts.preRun ?? []), withFsync]
    return made
  }
}

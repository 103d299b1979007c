/** A writer in a process of its own: PATH FIRST COUNT appends that many intervals from FIRST on. */
import { openFileRegistry } from '../../src/registry/file-registry-store.ts'

const [path = '', first = '', count = ''] = process.argv.slice(2)
const store = openFileRegistry({ path, onlineVersioning: false }, 'shop', () => 0)
for (let start = Number(first); start < Number(first) + Number(count); start += 1)
  await store.recordMaterialization(
    'stats',
    { start, end: start + 1 },
    new AbortController().signal,
  )

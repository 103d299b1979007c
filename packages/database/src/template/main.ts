import { writeFile } from 'node:fs/promises'
import { makeTemplate } from '../template.ts'

await writeFile(new URL('../../template/pgdata.tar.zst', import.meta.url), await makeTemplate())

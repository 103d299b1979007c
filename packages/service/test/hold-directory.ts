import { lockDirectory } from '../src/data-directory.ts'

// A process that owns the directory of its first argument until it is killed.
const [, , path = ''] = process.argv
await lockDirectory(path)
process.stdout.write('locked\n')
setInterval(() => {}, 60_000)

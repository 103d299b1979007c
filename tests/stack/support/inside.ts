/**
 * Programs that `runNodeInside` runs in a container of ours; each reads its input from standard input
 * and prints JSON. They stand on Node alone, since the image holds nothing of this ring.
 */

/** Tries to make a file in each folder, takes it away again, and prints the folders where it could. */
export const TRY_WRITING = `
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
const { skip } = JSON.parse(await text())
const outside = (path) => !skip.some((one) => path === one || path.startsWith(one + '/'))
function folders(path, depth) {
  if (!outside(path)) return []
  let entries = []
  try { entries = readdirSync(path, { withFileTypes: true }) } catch {}
  const below = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name))
  return [path, ...(depth === 0 ? [] : below.flatMap((one) => folders(one, depth - 1)))]
}
const tried = folders('/', 3)
const writable = tried.filter((path) => {
  const file = join(path, '.stack-ring')
  try { writeFileSync(file, ''); rmSync(file); return true } catch { return false }
})
process.stdout.write(JSON.stringify({ tried: tried.length, writable }))
async function text() {
  let whole = ''
  for await (const chunk of process.stdin) whole += chunk
  return whole
}
`

/** Looks for needles in files, process arguments and environments; prints where each was found. */
export const FIND_NEEDLES = `
import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
let whole = ''
for await (const chunk of process.stdin) whole += chunk
const { needles, roots } = JSON.parse(whole)
const bytes = needles.map((needle) => Buffer.from(needle))
const found = []
let looked = 0
// In pieces: a container's memory has no room for its own programs twice. Each begins with the end of the one before.
const overlap = Math.max(...bytes.map(({ length }) => length))
const piece = Buffer.alloc(overlap + 1_048_576)
function look(path) {
  const hits = new Set()
  let file
  try { file = openSync(path) } catch { return }
  try {
    for (let kept = 0; ;) {
      const end = kept + readSync(file, piece, kept, piece.length - kept)
      if (end === kept) break
      const content = piece.subarray(0, end)
      bytes.forEach((needle, i) => { if (content.includes(needle)) hits.add(i) })
      kept = Math.min(overlap, end)
      piece.copyWithin(0, end - kept, end)
    }
  } catch { return } finally { closeSync(file) }
  looked += 1
  for (const needle of hits) found.push({ needle, path })
}
function walk(path) {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const below = join(path, entry.name)
    if (entry.isDirectory()) walk(below)
    else if (entry.isFile()) look(below)
  }
}
for (const root of roots) walk(root)
const own = String(process.pid)
for (const process of readdirSync('/proc').filter((name) => /^\\d+$/.test(name) && name !== own)) {
  look(join('/proc', process, 'cmdline'))
  look(join('/proc', process, 'environ'))
}
process.stdout.write(JSON.stringify({ looked, found }))
`

/** Tells the broker on its own loopback what an operator wants; prints the status and the answer. */
export const ASK_AS_OPERATOR = `
let whole = ''
for await (const chunk of process.stdin) whole += chunk
const { key, method, path } = JSON.parse(whole)
const answer = await fetch('http://127.0.0.1:8211' + path, { method, headers: { authorization: 'Bearer ' + key } })
process.stdout.write(JSON.stringify({ status: answer.status, body: await answer.json() }))
`

/** Prints the secret ids, wrapped or not, that lie in the folder of the broker's identity. */
export const READ_IDENTITY = `
import { readdirSync, readFileSync } from 'node:fs'
const names = readdirSync('/run/broker').filter((name) => name.includes('secret-id'))
process.stdout.write(JSON.stringify(names.map((name) => ({ name, text: readFileSync('/run/broker/' + name, 'utf8').trim() }))))
`

/** Prints the packages that stand in the image's module folders. */
export const LIST_PACKAGES = `
import { readdirSync } from 'node:fs'
const list = (path) => { try { return readdirSync(path) } catch { return [] } }
const packages = [...list('/app/node_modules'), ...list('/app/node_modules/.pnpm')]
process.stdout.write(JSON.stringify(packages))
`

/** Prints what the kernel grants the container's first process. */
export const READ_RIGHTS = `
import { readFileSync } from 'node:fs'
const lines = readFileSync('/proc/1/status', 'utf8').split('\\n').map((line) => line.split(/:\\s*/))
const status = Object.fromEntries(lines)
const { Uid, Gid, CapEff, CapPrm, CapBnd, NoNewPrivs } = status
process.stdout.write(JSON.stringify({ Uid, Gid, CapEff, CapPrm, CapBnd, NoNewPrivs }))
`

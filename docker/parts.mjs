// Sorts what is installed in /app into /parts: `common` is what every service runs on, a folder for each service the rest of
// what it needs and nothing else. Images then share one layer, and an image holds one service.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, realpathSync, symlinkSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

const APP = '/app'
const STORE = 'node_modules/.pnpm'
const services = readdirSync(join(APP, 'services'))

/** The packages that a folder of packages links to, as paths in the app: `packages/x`, `node_modules/.pnpm/x@1`. */
function linkedFrom(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.name.startsWith('@')) return linkedFrom(path)
    return entry.isSymbolicLink() && existsSync(path) ? [ownerOf(realpathSync(path))] : []
  })
}

function ownerOf(path) {
  const inside = relative(APP, path)
  const depth = inside.startsWith(STORE) ? 3 : inside.startsWith('feature_repo') ? 1 : 2
  return inside.split('/').slice(0, depth).join('/')
}

function neededBy(service) {
  const found = new Set()
  const open = [`services/${service}`, 'packages/cli']
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue
    found.add(path)
    open.push(...linkedFrom(join(APP, path, 'node_modules')))
  }
  return found
}

const needed = new Map(services.map((service) => [service, neededBy(service)]))
const [first = new Set(), ...others] = needed.values()
const common = [...first].filter((path) => others.every((all) => all.has(path)))

function copy(part, paths) {
  const to = join('/parts', part, APP)
  for (const path of paths) {
    mkdirSync(join(to, dirname(path)), { recursive: true })
    execFileSync('cp', ['-a', join(APP, path), join(to, path)])
  }
  return to
}

copy('common', [...common, 'package.json'])
for (const [service, all] of needed) {
  const to = copy(
    service,
    [...all].filter((path) => !common.includes(path)),
  )
  mkdirSync(to, { recursive: true })
  symlinkSync(`services/${service}/src/main.ts`, join(to, 'main.ts'))
}

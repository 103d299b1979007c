// Runs one of our TypeScript entry points on the pinned Node 24, from whatever Node >= 20 is here.
// Plain JavaScript on purpose: it is the only file of ours that the machine's own Node reads.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const stamp = join(root, 'node_modules', '.usdcop-install')
const node24 = join(
  root,
  'node_modules',
  'node24',
  'bin',
  process.platform === 'win32' ? 'node.exe' : 'node',
)

const [major = 0] = process.versions.node.split('.').map(Number)
if (major < 20) fail(`Node 20 or newer is needed to start; this is ${process.version}`)

installWhenChanged()
run(process.argv.slice(2))

function installWhenChanged() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'pnpm-lock.yaml')))
    .update(readFileSync(join(root, 'pnpm-workspace.yaml')))
    .digest('hex')
  const installed = existsSync(stamp) ? readFileSync(stamp, 'utf8') : ''
  if (installed === wanted && existsSync(node24)) return

  process.stderr.write('usdcop: installing dependencies\n')
  // CI=true keeps pnpm from asking questions when there is no terminal to answer them.
  const { status, error } = spawnSync('npx', ['--yes', 'pnpm@12', 'install', '--frozen-lockfile'], {
    cwd: root,
    env: { ...process.env, CI: 'true' },
    // Standard output belongs to the command that was asked for.
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (error) fail(`npx could not be started: ${error.message}`)
  if (status !== 0) fail(`pnpm install ended with status ${status}`)
  if (!existsSync(node24)) fail(`the install put no Node 24 at ${node24}`)
  writeFileSync(stamp, wanted)
}

/** @param {string[]} args */
function run(args) {
  const [file, ...rest] = args
  if (file === undefined) fail('usage: node scripts/launch.mjs FILE.ts [ARG ...]')
  const path = [join(root, 'node_modules', '.bin'), join(root, 'node_modules', 'node24', 'bin')]
  const child = spawn(node24, [join(root, file), ...rest], {
    stdio: 'inherit',
    env: {
      // Stripping types and compiling is half the start of a service; the second start finds it done.
      NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compile'),
      ...process.env,
      PATH: [...path, process.env.PATH].join(delimiter),
    },
  })
  // A terminal signals the whole group; the child decides when it is done, and this process waits.
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      if (signal !== 'SIGINT') child.kill(signal)
    })
  }
  child.on('error', (error) => fail(`Node 24 could not be started: ${error.message}`))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

/** @param {string} message @returns {never} */
function fail(message) {
  process.stderr.write(`usdcop: ${message}\n`)
  process.exit(1)
}

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { findBao } from '../tests/support/bao-path.ts'

/** A test ring is a Vitest project; what it needs beyond Node is found or named here. */
export interface Ring {
  readonly name: string
  /** Runs only where somebody asks for it. */
  readonly onlyByName?: boolean
  readonly needs: readonly Need[]
}

interface Need {
  readonly found: () => boolean
  /** What is missing and how to get it, for the person who runs the tests. */
  readonly missing: string
}

const redis: Need = {
  found: () => set('REDIS_URL') || runs('redis-server', '--version'),
  missing: 'no Redis: set REDIS_URL, or `apt-get install redis-server`',
}

const postgres: Need = {
  found: () =>
    set('DATABASE_URL') ||
    existsSync('/usr/lib/postgresql/15/bin/postgres') ||
    runs('postgres', '--version'),
  missing: 'no PostgreSQL: set DATABASE_URL, or `apt-get install postgresql`',
}

const chromium: Need = {
  found: () => set('CHROMIUM') || existsSync('/usr/bin/chromium'),
  missing: 'no Chromium: set CHROMIUM to its path, or `apt-get install chromium`',
}

const openbao: Need = {
  found: () => findBao() !== undefined,
  missing:
    'no OpenBao: set USDCOP_BAO to its path, or `python3 -m venv .venv-openbao && ' +
    '.venv-openbao/bin/pip install -r tests/interop/openbao-requirements.txt`',
}

const python: Need = {
  found: () => runs(pythonPath(), '-c', 'import talib, pandas, numpy, onnxruntime'),
  missing:
    'no Python with TA-Lib and pandas: set USDCOP_PYTHON, or ' +
    '`python3 -m venv .venv && .venv/bin/pip install -r tests/interop/requirements.txt`',
}

const feast: Need = {
  found: () =>
    runs(
      process.env['USDCOP_FEAST_PYTHON'] ?? fromRoot('.venv-feast/bin/python'),
      '-c',
      'import feast',
    ),
  missing:
    'no Python with Feast: set USDCOP_FEAST_PYTHON, or `python3 -m venv .venv-feast && ' +
    '.venv-feast/bin/pip install -r tests/interop/feast-requirements.txt`',
}

const schemathesis: Need = {
  found: () =>
    runs(
      process.env['USDCOP_SCHEMATHESIS'] ?? fromRoot('.venv-schemathesis/bin/schemathesis'),
      '--version',
    ),
  missing:
    'no schemathesis: set USDCOP_SCHEMATHESIS to the program, or `python3 -m venv .venv-schemathesis ' +
    '&& .venv-schemathesis/bin/pip install -r tests/interop/schemathesis-requirements.txt`',
}

const stack: Need = {
  found: () => set('STACK_HOST'),
  missing:
    'no running stack: `npm run usdcop -- stack up --profile demo`, then set STACK_HOST=127.0.0.1',
}

const sealedStack: Need = {
  found: () => set('STACK_HOST'),
  missing:
    'no stack that waits for its operator: `npm run usdcop -- stack up --profile production` on empty ' +
    'stores, then set STACK_HOST=127.0.0.1',
}

const docker: Need = {
  found: () => runs('docker', 'version'),
  missing: 'no Docker to look into the containers with: `docker version` must answer',
}

const terminal: Need = {
  found: () => runs('script', '--version') && runs('docker-compose', 'version'),
  missing:
    'no terminal to type the operator’s commands at: `apt-get install bsdutils docker-compose`',
}

export const RINGS: readonly Ring[] = [
  { name: 'unit', needs: [] },
  { name: 'golden', needs: [] },
  { name: 'service', needs: [redis, postgres, chromium, openbao] },
  { name: 'interop', needs: [python, feast, schemathesis, redis] },
  { name: 'stack', needs: [stack, docker] },
  { name: 'production', onlyByName: true, needs: [sealedStack, docker, terminal] },
  { name: 'soak', onlyByName: true, needs: [redis, postgres, feast, schemathesis] },
]

export interface Choice {
  /** Rings to run; all but those that want to be asked for where nobody says. */
  readonly only: readonly string[] | undefined
  readonly without: readonly string[]
}

/** The rings asked for, in the order of `RINGS`. Throws on a name that no ring has. */
export function chooseRings({ only, without }: Choice): readonly Ring[] {
  const names = RINGS.map(({ name }) => name)
  const unknown = [...(only ?? []), ...without].filter((name) => !names.includes(name))
  if (unknown.length > 0)
    throw new Error(`no ring is called ${unknown.join(' or ')}; there are ${names.join(', ')}`)
  const wanted = ({ name, onlyByName = false }: Ring) => only?.includes(name) ?? !onlyByName
  return RINGS.filter((ring) => wanted(ring) && !without.includes(ring.name))
}

export function missingFor(ring: Ring): string[] {
  return ring.needs.filter(({ found }) => !found()).map(({ missing }) => missing)
}

function pythonPath(): string {
  return process.env['USDCOP_PYTHON'] ?? fromRoot('.venv/bin/python')
}

function fromRoot(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url))
}

function set(name: string): boolean {
  return (process.env[name] ?? '') !== ''
}

function runs(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

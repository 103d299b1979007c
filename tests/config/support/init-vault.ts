import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { baoPath } from '../../support/bao-path.ts'
import type { Bao } from '../../support/openbao.ts'
import { root } from './files.ts'
import { type Ended, run } from './run.ts'

/** Runs scripts/vault/init_vault.sh against a server, with `bao` under the name of its choice and nothing of this machine. */
export async function initVault(
  bao: Bao,
  env: NodeJS.ProcessEnv = {},
  cli = 'bao',
): Promise<Ended> {
  return run('/bin/sh', [SCRIPT], { env: environment(bao, env, cli) })
}

/** The same as a container's command: it stays until it is disposed. */
export function stayInit(bao: Bao, env: NodeJS.ProcessEnv): AsyncDisposable {
  const options = { env: environment(bao, env, 'bao'), stdio: 'ignore' as const }
  const staying = spawn('/bin/sh', [SCRIPT, '--stay'], options)
  return {
    async [Symbol.asyncDispose]() {
      staying.kill('SIGTERM')
      if (staying.exitCode === null) await once(staying, 'exit')
    },
  }
}

const SCRIPT = join(root, 'scripts/vault/init_vault.sh')

function environment(bao: Bao, env: NodeJS.ProcessEnv, cli: string): NodeJS.ProcessEnv {
  const bin = join(bao.folder, `bin-${cli}`)
  if (!existsSync(bin)) {
    mkdirSync(bin)
    symlinkSync(baoPath(), join(bin, cli))
  }
  return {
    ...bao.env,
    PATH: `${bin}:/usr/bin:/bin`,
    VAULT_POLICIES: join(root, 'config/vault/policies'),
    VAULT_INIT_MARKER: join(bao.folder, 'done'),
    VAULT_AUDIT_FILE: bao.auditFile,
    ...env,
  }
}

export const ROLES = [
  ...(['trading', 'airflow', 'feature-server', 'materializer'] as const),
  ...(['inference-gateway', 'demo-feed', 'secrets-broker'] as const),
] as const
export type Role = (typeof ROLES)[number]

/** A token of a role, as whoever runs under it gets one. */
export async function tokenOf(bao: Bao, role: Role): Promise<string> {
  const at = `auth/approle/role/${role}`
  const { body: id } = await bao.ask('GET', `${at}/role-id`)
  const { body: secret } = await bao.ask('POST', `${at}/secret-id`)
  const credential = { role_id: id.data.role_id, secret_id: secret.data.secret_id }
  const { body } = await bao.ask('POST', 'auth/approle/login', credential, '')
  return body.auth.client_token
}

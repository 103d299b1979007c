import type { Bao } from '@usdcop/tests/support/openbao'
import { onTestFinished } from 'vitest'
import type { Authority } from '../src/authority.ts'
import type { VaultEvent } from '../src/events.ts'
import { createIdentity, type Identity } from '../src/identity.ts'
import type { Credential, CredentialSource } from '../src/login.ts'
import { Secret } from '../src/secret.ts'
import { createVaultServer, type VaultServer } from '../src/vault-server.ts'

const RULES = `path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self" { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }
`

export interface Role {
  readonly roleId: string
  /** A new secret id, with what the body says. */
  secretId(body?: object): Promise<string>
}

/** A policy and an AppRole of the same name; AppRole is enabled where it is not. */
export async function makeRole(
  bao: Bao,
  name: string,
  policy: string,
  settings: object = {},
): Promise<Role> {
  await bao.ask('POST', 'sys/auth/approle', { type: 'approle' })
  await must(bao, 'PUT', `sys/policies/acl/${name}`, { policy: RULES + policy })
  const role = { token_policies: [name], token_no_default_policy: true, ...settings }
  await must(bao, 'POST', `auth/approle/role/${name}`, role)
  const { data } = await must(bao, 'GET', `auth/approle/role/${name}/role-id`)
  return {
    roleId: data.role_id,
    async secretId(body = {}) {
      return (await must(bao, 'POST', `auth/approle/role/${name}/secret-id`, body)).data.secret_id
    },
  }
}

/** The body of an answer that is none of a fault. */
export async function must(bao: Bao, method: string, path: string, body?: object) {
  const answer = await bao.ask(method, path, body)
  if (answer.status >= 300)
    throw new Error(`${method} ${path} answers ${answer.status}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

export function serverOf(
  bao: Bao,
  options: { readonly ca?: string | Authority; readonly timeoutMs?: number } = {},
) {
  const events: VaultEvent[] = []
  const { ca, ...rest } = options
  const observe = (event: VaultEvent) => void events.push(event)
  const server = createVaultServer({ address: bao.address, observe, tls: { ca }, ...rest })
  onTestFinished(() => server[Symbol.asyncDispose]())
  return { server, events }
}

export function identityOf(server: VaultServer, name: string, source: CredentialSource): Identity {
  const identity = createIdentity(server, { name, source })
  onTestFinished(() => identity[Symbol.asyncDispose]())
  return identity
}

export function rootOf(server: VaultServer, bao: Bao): Identity {
  return identityOf(server, 'root', async () => ({
    kind: 'token',
    token: new Secret(bao.rootToken),
  }))
}

export function approle(roleId: string, secretId: string): Credential {
  return { kind: 'approle', roleId, secretId: new Secret(secretId) }
}

import type { Answer } from '../../../packages/vault/src/transport.ts'
import type { SimulatedVault } from '../../../packages/vault/test/simulated-vault.ts'
import type { Issued } from '../src/issuer.ts'

const OWN_ROLE = 'broker'

/**
 * Lets a simulated Vault make wrapped secret ids for a token of the role `broker`. Each is opened once and logs in once, and
 * the token is of the role that it was made for. The broker's own role logs in with anything.
 */
export function wrapSecretIds(vault: SimulatedVault): void {
  const exchange = vault.exchange.bind(vault)
  const wrapped = new Map<string, { readonly role: string; readonly creationPath: string }>()
  const unused = new Map<string, string>()
  let count = 0
  const ok = (body: object): Answer => ({ status: 200, body })
  const refuse = (status: number, error: string): Answer => ({ status, body: { errors: [error] } })

  function logsIn({ role_id: roleId = '', secret_id: id = '' }: Readonly<Record<string, string>>) {
    if (roleId === OWN_ROLE) return true
    const role = unused.get(id)
    unused.delete(id)
    return role === roleId
  }

  function open(name: string): Answer {
    const role = wrapped.get(name)?.role
    if (role === undefined) return refuse(400, 'wrapping token is not valid or does not exist')
    wrapped.delete(name)
    count += 1
    unused.set(`id-${count}`, role)
    return ok({ data: { secret_id: `id-${count}` } })
  }

  function wrap(role: string, creationPath: string): Answer {
    count += 1
    wrapped.set(`wrapped-${count}`, { role, creationPath })
    return ok({ wrap_info: { token: `wrapped-${count}`, ttl: 60, creation_path: creationPath } })
  }

  vault.exchange = async (asked, signal) => {
    const path = asked.url.pathname.slice('/v1/'.length)
    const [, role = '', what] =
      /^auth\/approle\/role\/([\w-]+)\/(role-id|secret-id)$/.exec(path) ?? []
    const login = path === 'auth/approle/login'
    if (!login && what === undefined && !path.startsWith('sys/wrapping/'))
      return exchange(asked, signal)
    const body = JSON.parse(asked.body ?? '{}') as Readonly<Record<string, string>>
    const token = asked.headers['x-vault-token'] ?? ''
    // Whether anybody answers at all, as for every request.
    const sent = await exchange({ ...asked, url: new URL('/v1/sys/health', asked.url) }, signal)
    if (sent.status !== 200) return sent
    if (login) return logsIn(body) ? exchange(asked, signal) : refuse(400, 'invalid secret id')
    if (path === 'sys/wrapping/unwrap') return open(token)
    if (path === 'sys/wrapping/lookup') {
      const found = wrapped.get(body['token'] ?? '')
      if (found === undefined) return refuse(400, 'wrapping token is not valid or does not exist')
      return ok({ data: { creation_path: found.creationPath } })
    }
    const held = vault.tokens.get(token)
    if (held?.role !== OWN_ROLE) return refuse(403, 'permission denied')
    return what === 'role-id' ? ok({ data: { role_id: role } }) : wrap(role, path)
  }
}

/** A caller's own way from an identity to a token; the token's role, undefined where none was given. */
export async function logInWith(
  vault: SimulatedVault,
  { wrappingToken, roleId, creationPath }: Issued,
): Promise<string | undefined> {
  const { signal } = new AbortController()
  const post = async (path: string, token: string, body: object) => {
    const url = new URL(`https://vault:8200/v1/${path}`)
    const headers = { 'x-vault-token': token }
    const asked = { method: 'POST', url, headers, body: JSON.stringify(body) }
    const answer = await vault.exchange(asked, signal).catch(() => undefined)
    return answer?.status === 200 ? (answer.body as Given) : undefined
  }
  const opened = await post('sys/wrapping/unwrap', wrappingToken.reveal(), {})
  if (opened?.data === undefined) return undefined
  if (!creationPath.includes(`/${roleId}/`)) return `somebody else’s: ${creationPath}`
  const body = { role_id: roleId, secret_id: opened.data.secret_id }
  const login = await post('auth/approle/login', '', body)
  return vault.tokens.get(login?.auth?.client_token ?? '')?.role
}

interface Given {
  readonly data?: { readonly secret_id: string }
  readonly auth?: { readonly client_token: string }
}

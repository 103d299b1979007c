/** Reads the data at a path of Vault, without `/v1/`; what is not there is undefined. */
export type ReadVault = (path: string, method?: 'GET' | 'LIST') => Promise<unknown>

const SECRETS = [
  'trading/database',
  'trading/redis',
  'trading/jwt',
  ...['feature-server', 'materializer', 'inference-gateway', 'demo-feed'].map(
    (name) => `services/${name}`,
  ),
]

/** All that init_vault.sh makes, as it stands: equal before and after means that nothing was changed. */
export async function vaultState(read: ReadVault, roles: readonly string[]): Promise<unknown> {
  const all = async (paths: readonly string[]) =>
    await Promise.all(paths.map(async (path) => await read(path)))
  const { keys: policies } = (await read('sys/policies/acl', 'LIST')) as { keys: string[] }
  return {
    mounts: Object.keys((await read('sys/mounts')) as object),
    auth: await read('sys/auth'),
    audit: await read('sys/audit'),
    roles: await all(roles.map((role) => `auth/approle/role/${role}`)),
    // Another one would mean that the role was made anew.
    roleIds: await all(roles.map((role) => `auth/approle/role/${role}/role-id`)),
    policies,
    rules: await all(policies.map((name) => `sys/policies/acl/${name}`)),
    secrets: await all(SECRETS.map((path) => `secret/metadata/${path}`)),
    users: await all(
      ['config/usdcop', 'roles/materializer', 'roles/inference-gateway'].map(
        (name) => `database/${name}`,
      ),
    ),
  }
}

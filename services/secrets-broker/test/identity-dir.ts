import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bao } from '../../../tests/support/openbao.ts'
import { BROKER } from '../src/callers.ts'

const ROLE = `auth/approle/role/${BROKER}`

/** The folder of the broker's identity, and whoever sets Vault up. */
export interface IdentityDir extends AsyncDisposable {
  readonly path: string
  at(name: string): string
  /** As vault-init does it: a role id, and a wrapped secret id that its group may read. */
  issue(bao: Bao, body?: object): Promise<void>
}

export async function makeIdentityDir(): Promise<IdentityDir> {
  const path = await mkdtemp(join(tmpdir(), 'usdcop-broker-'))
  const at = (name: string) => join(path, name)
  return {
    path,
    at,
    async issue(bao, body = {}) {
      const { body: id } = await bao.ask('GET', `${ROLE}/role-id`)
      await writeFile(at(`${BROKER}.role-id`), id.data.role_id)
      const token = await wrappingToken(bao, body)
      await writeFile(at('.new'), token, { mode: 0o640 })
      await chmod(at('.new'), 0o640)
      await rename(at('.new'), at(`${BROKER}.wrapped-secret-id`))
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

async function wrappingToken(bao: Bao, body: object): Promise<string> {
  const answer = await fetch(`${bao.address}/v1/${ROLE}/secret-id`, {
    method: 'POST',
    headers: { 'x-vault-token': bao.rootToken, 'x-vault-wrap-ttl': '300s' },
    body: JSON.stringify(body),
  })
  const told = (await answer.json()) as { wrap_info: { token: string } }
  return told.wrap_info.token
}

/** Accessors of the secret ids of the broker's role that live, the unopened among them. */
export async function liveSecretIds(bao: Bao): Promise<readonly string[]> {
  const { status, body } = await bao.ask('LIST', `${ROLE}/secret-id`)
  if (status === 404) return []
  const found = body.data.keys as string[]
  const looked = await Promise.all(
    found.map(async (secret_id_accessor) => {
      const { body: one } = await bao.ask('POST', `${ROLE}/secret-id-accessor/lookup`, {
        secret_id_accessor,
      })
      return Date.parse(one?.data?.expiration_time ?? '') > Date.now() ? [secret_id_accessor] : []
    }),
  )
  return looked.flat()
}

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret } from '@usdcop/vault/secret'
import { Redis } from 'ioredis'
import type { Bao } from '../../../../tests/support/openbao.ts'
import { type RedisNode, startRedisNode } from '../../../../tests/support/redis-node.ts'
import { BROKER } from '../../src/callers.ts'
import { passwordHash } from '../../src/redis-rotation/plan.ts'

const ROTOR_PASSWORD = 'marker-password-of-rotor'
const FIRST_PASSWORD = 'marker-first-password'
const SECRET = 'secret/data/trading/redis'

export const hashOf = (password: string) => passwordHash(new Secret(password))

/** A Redis with an ACL file whose user stands in Vault, and what a test asks of both behind the broker’s back. */
export interface RotatedRedis extends AsyncDisposable {
  readonly node: RedisNode
  /** Vault’s, newest. */
  secret(): Promise<{ readonly password: string; readonly version: number }>
  /** As a person would, without asking which version is the newest. */
  writeByHand(password: string): Promise<void>
  /** Hashes that Redis accepts of the user now, and those that a restart would know. */
  accepted(): Promise<readonly string[]>
  onDisk(): Promise<readonly string[]>
  /** The file as it stands, to be put back under a Redis that starts again. */
  readonly file: { read(): Promise<string>; write(text: string): Promise<void> }
  /** Over a connection of its own: PONG, or what Redis says. */
  signIn(password: string): Promise<string>
}

/** At its first state: Vault and Redis agree on a password. */
export async function startRotatedRedis(bao: Bao): Promise<RotatedRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-acl-'))
  const path = join(folder, 'users.acl')
  await writeFile(path, aclFile(FIRST_PASSWORD))
  const node = await startRedisNode({ options: ['--aclfile', path] })
  const { host, port } = node
  const first = { host, port: String(port), user: 'usdcop', password: FIRST_PASSWORD, note: 'kept' }
  await put(bao, SECRET, first)
  await put(bao, `secret/data/services/${BROKER}`, { redis_rotor_password: ROTOR_PASSWORD })

  async function secret() {
    const { body } = await bao.ask('GET', SECRET)
    const { data, metadata } = body.data
    return { password: data.password as string, version: metadata.version as number }
  }
  const operator = () =>
    new Redis({
      host,
      port,
      username: 'operator',
      password: 'operator',
      retryStrategy: () => null,
      lazyConnect: true,
    })
  return {
    node,
    secret,
    async writeByHand(password) {
      const { body } = await bao.ask('GET', SECRET)
      await put(bao, SECRET, { ...body.data.data, password })
    },
    async accepted() {
      const client = operator()
      try {
        const lines = (await client.acl('LIST')) as string[]
        return hashesIn(lines.join('\n'))
      } finally {
        client.disconnect()
      }
    },
    onDisk: async () => hashesIn(await readFile(path, 'utf8')),
    file: { read: () => readFile(path, 'utf8'), write: (text) => writeFile(path, text) },
    async signIn(password) {
      const client = new Redis({
        host,
        port,
        username: 'usdcop',
        password,
        retryStrategy: () => null,
        lazyConnect: true,
        enableReadyCheck: false,
      })
      let fault: unknown
      client.on('error', (error) => {
        fault = error
      })
      try {
        await client.connect()
        return await client.ping()
      } catch (error) {
        return String(fault ?? error)
      } finally {
        client.disconnect()
      }
    },
    async [Symbol.asyncDispose]() {
      await node[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The users as the stack has them: one for the services, one that may change users and nothing else. */
function aclFile(password: string): string {
  return [
    'user default off',
    `user operator on #${hashOf('operator')} ~* &* +@all`,
    `user usdcop on #${hashOf(password)} ~* &* +@all -@admin -@dangerous +info`,
    `user rotor on #${hashOf(ROTOR_PASSWORD)} resetkeys resetchannels -@all +acl|setuser +acl|getuser +acl|save`,
    '',
  ].join('\n')
}

function hashesIn(text: string): string[] {
  const line = text.split('\n').find((one) => one.startsWith('user usdcop ')) ?? ''
  return [...line.matchAll(/#(?<hash>[0-9a-f]{64})/g)].map(({ groups }) => groups?.['hash'] ?? '')
}

async function put(bao: Bao, path: string, data: Readonly<Record<string, string>>): Promise<void> {
  const { status } = await bao.ask('POST', path, { data })
  if (status !== 200) throw new Error(`${path} cannot be written (${status})`)
}

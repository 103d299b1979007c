import type { ServiceError } from '@usdcop/service/errors'
import { expect } from 'vitest'
import type { SecretAnswer } from '../src/secret-reader.ts'
import { createVaultServer, type VaultServer } from '../src/vault-server.ts'
import { createSimulatedClock, type SimulatedClock } from './simulated-clock.ts'
import { createSimulatedVault, type SimulatedVault } from './simulated-vault.ts'

/**
 * A Vault whose answers about secrets come when a test lets them, and a rule for everybody who reads there. Values name the
 * role that may read them and count upwards, so that each answer tells whose it is and from when.
 */
export interface World {
  readonly clock: SimulatedClock
  readonly vault: SimulatedVault
  readonly server: VaultServer
  write(role: string, path: string): void
  deny(role: string, path: string): void
  remove(role: string, path: string): void
  /** From now on an answer about a secret waits until it is let through. */
  hold(): void
  letThrough(which: number): void
  /**
   * Holds a read to the rule: what is answered is the role's own, and newer than whatever was written before a denial or an
   * absence that was told before.
   */
  read(role: string, path: string, ask: () => Promise<SecretAnswer>): void
  /** Something that has to end before the world does. */
  begin(work: Promise<unknown>): void
  /** Lets everything through and waits for all that has begun. */
  settle(): Promise<void>
  /** Reads that were answered. */
  readonly answered: number
}

export function createWorld(roles: readonly string[], paths: readonly string[]): World {
  const clock = createSimulatedClock()
  const vault = createSimulatedVault({ clock, ttlSeconds: 300 })
  const server = createVaultServer({
    address: 'https://vault:8200',
    transport: vault,
    clock,
    random: () => 0.5,
  })
  const held: (() => void)[] = []
  /** What had been written when a denial or an absence was told, by role and path. */
  const deniedAt = new Map<string, number>()
  const underWay: Promise<unknown>[] = []
  let written = 0
  let answered = 0
  const standing = (role: string, path: string) => vault.secrets.get(role)?.get(path)

  function write(role: string, path: string): void {
    written += 1
    vault.secrets.get(role)?.set(path, `${role}:${path}:${written}`)
  }

  async function read(role: string, path: string, ask: () => Promise<SecretAnswer>): Promise<void> {
    const place = `${role}:${path}`
    const denied = deniedAt.get(place) ?? 0
    try {
      const { fields } = await ask()
      const [owner, where, number] = fields.get('value')?.reveal().split(':') ?? []
      expect(`${owner}:${where}`).toBe(place)
      expect(Number(number)).toBeGreaterThan(denied)
      answered += 1
    } catch (error) {
      const { code } = error as ServiceError
      if (code === undefined) throw error
      // Where the policy says otherwise the token was denied: revoked, or of a login that has ended.
      const byPolicy = code === 'secret_denied' && standing(role, path) === 'denied'
      if (byPolicy || code === 'secret_absent') deniedAt.set(place, written)
    }
  }

  for (const role of roles) {
    vault.secrets.set(role, new Map())
    for (const path of paths) write(role, path)
  }
  return {
    clock,
    vault,
    server,
    write,
    deny: (role, path) => void vault.secrets.get(role)?.set(path, 'denied'),
    remove: (role, path) => void vault.secrets.get(role)?.delete(path),
    hold() {
      vault.gate = (asked) => {
        if (!asked.startsWith('secret/')) return Promise.resolve()
        const { promise, resolve } = Promise.withResolvers<void>()
        held.push(resolve)
        return promise
      }
    },
    letThrough: (which) => held.splice(which % Math.max(1, held.length), 1)[0]?.(),
    read: (role, path, ask) => void underWay.push(read(role, path, ask)),
    begin: (work) => void underWay.push(work),
    async settle() {
      vault.gate = async () => {}
      for (const letThrough of held) letThrough()
      await clock.pass(5_000)
      await Promise.all(underWay)
    },
    get answered() {
      return answered
    },
  }
}

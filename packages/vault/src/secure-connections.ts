import { Agent } from 'node:https'
import type { Tls } from './transport.ts'

/** Connections over TLS. Whoever takes them gives them back when the answer is read. */
export interface SecureConnections {
  take(signal: AbortSignal): Promise<Disposable & { readonly agent: Agent }>
  end(): void
}

interface Generation {
  readonly ca: string | undefined
  readonly agent: Agent
  taken: number
}

/**
 * Connections that were made under one authority carry no request under another one: they end when what is under way on
 * them is answered.
 */
export function createSecureConnections(tls: Tls, maxSockets: number): SecureConnections {
  const generations = new Set<Generation>()
  let current: Generation | undefined

  function endIdle(): void {
    for (const generation of generations) {
      if (generation === current || generation.taken > 0) continue
      generation.agent.destroy()
      generations.delete(generation)
    }
  }

  return {
    async take(signal) {
      const ca = typeof tls.ca === 'object' ? await tls.ca.pem(signal) : tls.ca
      if (current === undefined || current.ca !== ca) {
        current = { ca, agent: createAgent(tls, ca, maxSockets), taken: 0 }
        generations.add(current)
        endIdle()
      }
      const generation = current
      generation.taken += 1
      return {
        agent: generation.agent,
        [Symbol.dispose]() {
          generation.taken -= 1
          endIdle()
        },
      }
    },
    end() {
      for (const { agent } of generations) agent.destroy()
    },
  }
}

function createAgent({ certificate, key }: Tls, ca: string | undefined, maxSockets: number): Agent {
  return new Agent({
    keepAlive: true,
    maxSockets,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...(ca !== undefined && { ca }),
    ...(certificate !== undefined && { cert: certificate }),
    ...(key !== undefined && { key }),
  })
}

import { readdir, readFile, readlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { Container } from '../container.ts'
import { isMissing } from '../docker.ts'
import type { Published } from '../published.ts'
import type { PortUse } from './machine.ts'

export interface PortQuestion {
  readonly published: readonly Published[]
  /** As .env sets them. */
  readonly portOf: (published: Published) => number
  readonly own: readonly Container[]
  /** `docker ps --format '{{.Names}}\t{{.Ports}}'` of all that run. */
  readonly listing: string
}

/** Who holds each port on 127.0.0.1, by trying to take it. */
export async function portUses({
  published,
  portOf,
  own,
  listing,
}: PortQuestion): Promise<readonly PortUse[]> {
  return await Promise.all(
    published.map(async (entry) => {
      const port = portOf(entry)
      const use = { port, service: entry.service, variable: entry.variable }
      const ours = own.some(
        ({ state, ports }) => state === 'running' && ports.some(({ host }) => host === port),
      )
      if (ours) return { ...use, heldBy: 'stack' as const }
      if (await isFree(port)) return { ...use, heldBy: 'nobody' as const }
      const other = containerOn(listing, port) ?? (await processOn(port)) ?? 'an unknown process'
      return { ...use, heldBy: { other } }
    }),
  )
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => resolve(true))
    })
  })
}

export function containerOn(listing: string, port: number): string | undefined {
  for (const line of listing.split('\n')) {
    const [name, ports = ''] = line.split('\t')
    if (new RegExp(`:${port}->`).test(ports)) return `the container ${name}`
  }
  return undefined
}

/** The process that listens there, on Linux and where this user may see it. */
async function processOn(port: number): Promise<string | undefined> {
  try {
    const tables = await Promise.all(
      ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(() => '')),
    )
    const inodes = tables.flatMap((table) => listenersOn(table, port))
    if (inodes.length === 0) return undefined
    return await ownerOf(new Set(inodes.map((inode) => `socket:[${inode}]`)))
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

const LISTEN = '0A'

/** Socket inodes that listen on a port, of a table in the form of /proc/net/tcp. */
export function listenersOn(table: string, port: number): string[] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
      const listens = state === LISTEN && Number.parseInt(local.split(':')[1] ?? '', 16) === port
      return listens && inode !== undefined ? [inode] : []
    })
}

async function ownerOf(sockets: ReadonlySet<string>): Promise<string | undefined> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    // Other people's processes may be closed to us, and any may end while it is looked at.
    const open = await readdir(`/proc/${pid}/fd`).catch(() => [])
    for (const descriptor of open) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')
      if (!sockets.has(target)) continue
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
      return `${name.trim() || 'a process'} (pid ${pid})`
    }
  }
  return undefined
}

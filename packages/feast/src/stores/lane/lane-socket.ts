import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Redis } from 'ioredis'

/**
 * A socket to the very server that ioredis has found for this client, be it by name, by a sentinel or
 * by the map of a cluster.
 */
export function connectBeside({ options, stream }: Redis): Socket {
  if (options.path) return connectPlain({ path: options.path })
  const host = stream.remoteAddress ?? options.host ?? 'localhost'
  const port = stream.remotePort ?? options.port ?? 6379
  const socket = options.tls
    ? connectTls({ host, port, ...nameOf(options), ...options.tls })
    : connectPlain({ host, port })
  return socket.setNoDelay(true).setKeepAlive(true, options.keepAlive ?? 0)
}

/** A certificate names the host that was asked for, not the address it had. */
function nameOf({ host, sentinels }: Redis['options']): { servername?: string } {
  return host === undefined || sentinels || isIP(host) !== 0 ? {} : { servername: host }
}

/** What ioredis says on a new connection, in as far as reading needs it. */
export function greetingOf({ options }: Redis): Buffer[] {
  const { username, password, db = 0 } = options
  const lines: Buffer[] = []
  if (password) lines.push(command('AUTH', ...(username ? [username] : []), password))
  if (db !== 0) lines.push(command('SELECT', String(db)))
  return lines
}

function command(...parts: readonly string[]): Buffer {
  const texts = parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`)
  return Buffer.from(`*${parts.length}\r\n${texts.join('')}`)
}

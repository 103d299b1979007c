import type { Redis } from 'ioredis'

export interface RedisUser {
  readonly user: string
  /** So that nobody prints it by mistake. */
  readonly password: { reveal(): string }
}

/** Who signs in, where a password may be replaced while connections live. */
export interface RedisSignIn {
  /** The newest that is known. */
  current(): RedisUser
  /** The server has refused it: resolves once whoever gives it out has been asked for a newer one. */
  renew(): Promise<void>
}

/**
 * Lets a client that is not yet connected sign in as whoever is the newest at each connection, its read lane too. Live connections
 * stay: Redis asks nobody for a password a second time. A refused one is asked for anew, and where another comes of it, the next
 * attempt is made at once.
 */
export function followSignIn(client: Redis, signIn: RedisSignIn): void {
  let renewing = false
  // ioredis reads them at each attempt, and so does the greeting of the read lane.
  Object.defineProperties(client.options, {
    username: { get: () => signIn.current().user, enumerable: true },
    password: { get: () => signIn.current().password.reveal(), enumerable: true },
  })
  // What becomes of it the client tells as of any attempt.
  const connectNow = () => void client.connect().catch(() => {})
  client.on('error', (error: Error) => {
    if (!isRefused(error) || renewing) return
    renewing = true
    const before = signIn.current()
    void signIn.renew().then(() => {
      renewing = false
      const { user, password } = signIn.current()
      if (user === before.user && password.reveal() === before.password.reveal()) return
      if (client.status === 'reconnecting') connectNow()
      // The refused attempt is not over yet.
      else if (client.status === 'connect' || client.status === 'close')
        client.once('reconnecting', connectNow)
    })
  })
}

/** Whether a server, or a read lane in its words, has let a user or a password in no more. */
export function isRefused({ message }: Error): boolean {
  return /\b(?:WRONGPASS|NOAUTH)\b/.test(message)
}

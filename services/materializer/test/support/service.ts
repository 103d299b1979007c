import { createKeyring, digestOf } from '@usdcop/service/auth'
import { createLogger } from '@usdcop/service/log'
import { createRegistry } from '@usdcop/service/metrics'
import { buildApp, type Materializer } from '../../src/app.ts'
import { contract } from './market.ts'
import { createRig, features, type Rig, type Stores } from './rig.ts'

export const TOKENS = { reader: 'reader-token', writer: 'writer-token' }

export const keyring = createKeyring(
  (['reader', 'writer'] as const).map((role) => ({
    name: role,
    role,
    sha256: digestOf(TOKENS[role]),
  })),
)

export interface Service extends AsyncDisposable {
  readonly rig: Rig
  readonly app: Materializer['app']
}

/** The whole materializer over stores of its own. */
export async function startService(
  open: () => Promise<Stores>,
  startAt: number,
  bindHost = '127.0.0.1',
): Promise<Service> {
  const rig = await createRig(open, startAt)
  const { db, online, offline, clock } = rig
  const stop = new AbortController()
  const { app, stopped } = buildApp(
    {
      contract,
      clock,
      db,
      online,
      offline,
      features,
      keyring,
      bindHost,
      logger: createLogger({ name: 'materializer', level: 'silent' }),
      registry: createRegistry('materializer'),
    },
    stop.signal,
  )
  return {
    rig,
    app,
    async [Symbol.asyncDispose]() {
      await app.close()
      stop.abort()
      await stopped
      await rig[Symbol.asyncDispose]()
    },
  }
}

import type { ServerResponse } from 'node:http'
import type { Server } from 'node:https'
import type { Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import type { Logger } from '@usdcop/service/log'
import { assertCertificates } from '@usdcop/vault/authority'
import { type Clock, monotonicClock } from '@usdcop/vault/clock'
import { textOfFile } from '@usdcop/vault/credential-sources'
import { BROKER } from './callers.ts'
import type { CertificateEnds } from './certificate-ends.ts'
import type { Config } from './config.ts'
import type { BrokerMetrics } from './metrics.ts'
import { type TlsFiles, tlsOptions } from './tls.ts'

type Paths = NonNullable<Config['tls']>

const LOOK_EVERY_MS = 5_000

/** @throws ServiceError `config_invalid` where a file cannot be read */
export async function readTls(paths: Paths, signal: AbortSignal): Promise<TlsFiles> {
  const { clientCaFile, clientCrlFile } = paths
  const textOf = async (path: string | undefined) =>
    path === undefined ? undefined : await textOfFile(path, signal)
  const clientCa = await textOf(clientCaFile)
  if (clientCaFile !== undefined && clientCa !== undefined)
    assertCertificates(clientCaFile, clientCa)
  return {
    certificate: await textOfFile(paths.certificateFile, signal),
    key: await textOfFile(paths.keyFile, signal),
    clientCa,
    clientCrl: await textOf(clientCrlFile),
  }
}

export interface LiveTlsOptions {
  readonly server: Server
  readonly paths: Paths
  /** What the server was made with. */
  readonly files: TlsFiles
  readonly tell: (news: TlsNews) => void
  readonly clock?: Clock
}

/** What has come of the files: those that are used from now on, or once why they are of no use and those before stay. */
export type TlsNews =
  | { readonly state: 'used' | 'changed'; readonly files: TlsFiles }
  | { readonly state: 'unusable'; readonly error: unknown }

/**
 * Looks at the files every five seconds. Connections from then on are made with what they hold; one that was made before ends with
 * the answer under way on it, or the next one: its client certificate was judged by files that are gone.
 */
export function keepTls(options: LiveTlsOptions): AsyncDisposable {
  const { server, paths, tell, clock = monotonicClock } = options
  const ending = new AbortController()
  const answering = new Set<ServerResponse>()
  const made = new WeakMap<Socket, TlsFiles>()
  let files = options.files
  let fault = ''
  let seen = 0

  server.on('secureConnection', (socket) => void made.set(socket, files))
  server.prependListener('request', ({ socket }, response) => {
    answering.add(response)
    response.once('close', () => answering.delete(response))
    if (made.get(socket) !== files) response.shouldKeepAlive = false
  })

  function take(next: TlsFiles): void {
    const tls = tlsOptions(next)
    // It says whether they fit together before the server forgets what it had.
    createSecureContext(tls)
    server.setSecureContext(tls)
    files = next
    for (const response of answering) response.shouldKeepAlive = false
    tell({ state: 'changed', files: next })
  }

  async function look(): Promise<void> {
    try {
      const next = await readTls(paths, ending.signal)
      if (!isSame(next, files)) take(next)
      seen = 0
    } catch (error) {
      if (ending.signal.aborted) return
      seen = String(error) === fault ? seen + 1 : 1
      fault = String(error)
      // Whoever writes one file after the other is given the time between two looks.
      if (seen === 2) tell({ state: 'unusable', error })
    }
  }

  async function run(): Promise<void> {
    while (!ending.signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, ending.signal).catch(() => {})
      if (!ending.signal.aborted) await look()
    }
  }

  tell({ state: 'used', files })
  const running = run()
  return {
    async [Symbol.asyncDispose]() {
      ending.abort()
      await running
    },
  }
}

export interface TlsTellers {
  readonly logger: Logger
  readonly metrics: BrokerMetrics
  readonly certificates: CertificateEnds
}

export function tellOfTls({ logger, metrics, certificates }: TlsTellers): LiveTlsOptions['tell'] {
  return (news) => {
    if (news.state !== 'used') metrics.certificateFiles(news.state)
    if (news.state === 'unusable')
      return logger.error(
        { err: news.error },
        'new certificate files are of no use; those before stay',
      )
    certificates.own(BROKER, news.files.certificate)
    if (news.files.clientCa !== undefined) certificates.own('authority', news.files.clientCa)
    if (news.state === 'changed') logger.info('the certificate files have changed')
  }
}

function isSame(one: TlsFiles, other: TlsFiles): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

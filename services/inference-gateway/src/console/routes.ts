import { dirname, extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fastifyStatic } from '@fastify/static'
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import { EventStreams } from './events.ts'
import { createSnapshots, type SnapshotDeps } from './snapshot.ts'

export interface ConsoleDeps extends SnapshotDeps {
  /** Asked of every console route, the page's own files included. */
  readonly guards: readonly onRequestAsyncHookHandler[]
  readonly onStreams: (open: number) => void
}

/** A stream for as long as somebody looks. */
export const EVENTS = '/console/events'

const PAGE_FOLDER = fileURLToPath(new URL('../../console', import.meta.url))
const UPLOT_FOLDER = dirname(fileURLToPath(import.meta.resolve('uplot/dist/uPlot.min.css')))
/** The folder also holds the page's type declarations, which no browser needs. */
const SERVED = new Set(['.html', '.css', '.js', '.svg'])

const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const

/** The page, its files, its snapshot and its stream; all of it from this host and for this host. */
export async function consoleRoutes(app: FastifyInstance, deps: ConsoleDeps): Promise<void> {
  const snapshot = createSnapshots(deps)
  const streams = new EventStreams(deps.feed, deps.status, deps.onStreams)
  // Before the server stops listening: a stream never ends on its own.
  app.addHook('preClose', async () => streams.close())

  await app.register(async (scope) => {
    for (const guard of deps.guards) scope.addHook('onRequest', guard)
    scope.addHook('onRequest', async (_request, reply) => {
      reply.headers(PAGE_HEADERS)
    })
    await scope.register(fastifyStatic, {
      root: PAGE_FOLDER,
      prefix: '/console/static/',
      index: false,
      cacheControl: false,
      allowedPath: (path) => SERVED.has(extname(path)),
    })
    scope.get('/', (_request, reply) => reply.sendFile('index.html'))
    scope.get('/console/vendor/uplot.js', (_request, reply) =>
      reply.sendFile('uPlot.esm.js', UPLOT_FOLDER),
    )
    scope.get('/console/vendor/uplot.css', (_request, reply) =>
      reply.sendFile('uPlot.min.css', UPLOT_FOLDER),
    )
    scope.get('/console/snapshot', async (_request, reply) => {
      reply.header('cache-control', 'no-store')
      return snapshot()
    })
    scope.get(EVENTS, { exposeHeadRoute: false }, (_request, reply) => {
      // First what may still be refused in the usual way; from here on the response is the stream's.
      streams.add(reply.raw, PAGE_HEADERS)
      reply.hijack()
    })
  })
}

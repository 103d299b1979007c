import { once } from 'node:events'
import { createServer } from 'node:net'
import { ServiceError } from '@usdcop/service/errors'
import type { Config } from './config.ts'

/** The variables that say where the services listen. */
export const PORT_VARIABLES = {
  featureServer: 'FEATURE_SERVER_PORT',
  materializer: 'MATERIALIZER_PORT',
  gateway: 'GATEWAY_PORT',
} as const satisfies Record<keyof Config['ports'], string>

/**
 * Tries every port and lets go of it: loading a history takes too long to be told only behind it.
 * @throws ServiceError `config_invalid` naming each that cannot be listened on, and its variable
 */
export async function assertPortsFree({ host, ports }: Pick<Config, 'host' | 'ports'>) {
  const faults: string[] = []
  for (const service of ['featureServer', 'materializer', 'gateway'] as const) {
    const server = createServer()
    try {
      server.listen({ host, port: ports[service] })
      await once(server, 'listening')
    } catch (error) {
      faults.push(portFault(error, { host, port: ports[service] }, PORT_VARIABLES[service]))
    } finally {
      server.close()
    }
  }
  if (faults.length > 0) throw new ServiceError('config_invalid', faults.join('\n'))
}

/** What a person can do about a port that could not be listened on. */
export function portFault(
  error: unknown,
  { host, port }: { readonly host: string; readonly port: number },
  variable: string,
): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'EADDRINUSE'
    ? `port ${port} is taken by another process; set ${variable} to a free one`
    : `HOST ${host} with ${variable} ${port} cannot be listened on: ${message}`
}

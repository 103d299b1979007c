/** What the start-up file needs to know; the SDK itself reads the rest of the `OTEL_*` variables. */
export interface Settings {
  /** The collector, OTLP over gRPC. */
  readonly endpoint: string
  readonly serviceName: string
  /** Where this runs: `deployment.environment.name`. */
  readonly environment: string
}

/** The words that switch something on in the services' own configuration. */
const YES = new Set(['true', '1', 'yes', 'on', 'y', 'enabled'])

/**
 * Undefined where nothing is to be traced: not switched on, switched off by one of the standard
 * variables, or nobody to send to. An empty variable counts as unset.
 *
 * @param entry path of the file the process runs, which names the service when nothing else does
 */
export function readSettings(
  env: NodeJS.ProcessEnv,
  entry: string | undefined,
): Settings | undefined {
  if (!isYes(env['TRACING_ENABLED']) || isYes(env['OTEL_SDK_DISABLED'])) return undefined
  if (given(env['OTEL_TRACES_EXPORTER']) === 'none') return undefined
  const endpoint =
    given(env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']) ?? given(env['OTEL_EXPORTER_OTLP_ENDPOINT'])
  if (endpoint === undefined) return undefined
  return {
    endpoint,
    serviceName: given(env['OTEL_SERVICE_NAME']) ?? serviceOf(entry) ?? 'unknown_service:node',
    environment: given(env['DEPLOYMENT_ENVIRONMENT']) ?? 'development',
  }
}

function given(value: string | undefined): string | undefined {
  const trimmed = value?.trim()
  return trimmed === '' ? undefined : trimmed
}

function isYes(value: string | undefined): boolean {
  return YES.has(value?.trim().toLowerCase() ?? '')
}

function serviceOf(entry: string | undefined): string | undefined {
  return /[\\/]services[\\/](?<name>[\w-]+)[\\/]src[\\/]main\.ts$/.exec(entry ?? '')?.groups?.[
    'name'
  ]
}

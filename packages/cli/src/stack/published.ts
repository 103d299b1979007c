/** What the stack publishes on this machine's loopback. */
export interface Published {
  readonly service: string
  /** The variable of .env that moves it. */
  readonly variable: string
  readonly port: number
  readonly what: string
  /** Behind the port, where a person would look first. */
  readonly path: string
  /** Who may enter, in a few words. */
  readonly entry: string
}

const KEY = 'secrets/reader_key as the password, or a bearer token'

export const PUBLISHED: readonly Published[] = [
  {
    service: 'inference-gateway',
    variable: 'GATEWAY_PORT',
    port: 8090,
    what: 'Console',
    path: '/',
    entry: KEY,
  },
  {
    service: 'feast-server',
    variable: 'FEATURE_SERVER_PORT',
    port: 6566,
    what: 'Features',
    path: '/',
    entry: KEY,
  },
  {
    service: 'materializer',
    variable: 'MATERIALIZER_PORT',
    port: 6567,
    what: 'Bars in',
    path: '/',
    entry: 'secrets/writer_key as a bearer token',
  },
  {
    service: 'grafana',
    variable: 'GRAFANA_PORT',
    port: 3003,
    what: 'Grafana',
    path: '/',
    entry: 'admin, secrets/grafana_admin_password',
  },
  {
    service: 'prometheus',
    variable: 'PROMETHEUS_PORT',
    port: 9090,
    what: 'Prometheus',
    path: '/',
    entry: 'open',
  },
  {
    service: 'jaeger',
    variable: 'JAEGER_PORT',
    port: 16686,
    what: 'Jaeger',
    path: '/',
    entry: 'open',
  },
  {
    service: 'loki',
    variable: 'LOKI_PORT',
    port: 3100,
    what: 'Loki',
    path: '/ready',
    entry: 'open',
  },
  {
    service: 'alertmanager',
    variable: 'ALERTMANAGER_PORT',
    port: 9093,
    what: 'Alertmanager',
    path: '/',
    entry: 'open',
  },
  {
    service: 'mlflow',
    variable: 'MLFLOW_PORT',
    port: 5000,
    what: 'MLflow',
    path: '/',
    entry: 'open',
  },
  {
    service: 'vault',
    variable: 'VAULT_PORT',
    port: 8200,
    what: 'Vault',
    path: '/',
    entry: 'VAULT_DEV_TOKEN of .env, outside production',
  },
]

/** Compose profiles that start one service each beside the rest. */
export const OWN_PROFILES: Readonly<Record<string, string>> = { 'demo-feed': 'demo' }

export interface Address {
  readonly service: string
  readonly what: string
  readonly url: string
  readonly entry: string
}

/** Where each of the services that are up is to be found. */
export function addressesOf(
  services: readonly string[],
  settings: { get(name: string): string | undefined },
): readonly Address[] {
  return PUBLISHED.filter(({ service }) => services.includes(service)).map(
    ({ service, variable, port, what, path, entry }) => {
      const scheme = service === 'vault' ? schemeOf(settings.get('VAULT_ADDR')) : 'http:'
      const url = `${scheme}//localhost:${settings.get(variable) ?? port}${path === '/' ? '' : path}`
      return { service, what, url, entry }
    },
  )
}

function schemeOf(url: string | undefined): string {
  return url?.startsWith('https:') ? 'https:' : 'http:'
}

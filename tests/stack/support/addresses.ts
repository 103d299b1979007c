/**
 * Host ports of the compose services that can be reached from outside, all on loopback. The one place
 * where the ring knows them; `tests/consistency` holds the compose files to the same table.
 */
export const HOST_PORTS = {
  'feast-server': 6566,
  materializer: 6567,
  'inference-gateway': 8090,
  vault: 8200,
  jaeger: 16686,
  prometheus: 9090,
  grafana: 3003,
  loki: 3100,
  alertmanager: 9093,
  mlflow: 5000,
} as const

export type Reachable = keyof typeof HOST_PORTS

/** Our own services that answer over HTTP. */
export const OUR_SERVERS = ['feast-server', 'materializer', 'inference-gateway'] as const

/** All containers of our own images. */
export const OURS = ['demo-feed', 'secrets-broker', ...OUR_SERVERS] as const

/** Everybody else's, in the order in which they are restarted: what others stand on first. */
export const PEERS = [
  'redis',
  'timescaledb',
  'vault',
  'vault-init',
  'jaeger',
  'otel-collector',
  'prometheus',
  'alertmanager',
  'loki',
  'alloy',
  'mlflow-db',
  'mlflow',
  'grafana',
] as const

export type Service = (typeof OURS)[number] | (typeof PEERS)[number]

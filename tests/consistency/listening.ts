import type { ComposeService } from './compose.ts'
import { textsOf } from './evidence.ts'
import type { Files } from './files.ts'

interface Listening {
  /** Where its configuration or its command says so. */
  readonly said?: RegExp
  /** What its image does where nothing is said. */
  readonly otherwise?: readonly number[]
  /** Where its configuration says what it listens on for itself alone. */
  readonly inside?: RegExp
}

const COLLECTOR = /^[^#\n]*(?:0\.0\.0\.0:|^ +port: )(?<port>\d+)/gm

const LISTENING: Readonly<Record<string, Listening>> = {
  redis: { said: /^port (?<port>\d+)$/gm },
  timescaledb: { otherwise: [5432] },
  'mlflow-db': { otherwise: [5432] },
  vault: {
    said: /0\.0\.0\.0:(?<port>\d+)/g,
    inside: /cluster_address += "127\.0\.0\.1:(?<port>\d+)"/g,
  },
  'otel-collector': { said: COLLECTOR },
  jaeger: { said: COLLECTOR },
  prometheus: { said: /--web\.listen-address=\S*:(?<port>\d+)/g, otherwise: [9090] },
  alertmanager: { said: /--web\.listen-address=\S*:(?<port>\d+)/g, otherwise: [9093] },
  grafana: { otherwise: [3000] },
  loki: { said: /^ +(?:http|grpc)_listen_port: (?<port>\d+)$/gm },
  alloy: { said: /listen-addr=0\.0\.0\.0:(?<port>\d+)/g },
  mlflow: { said: /--host 0\.0\.0\.0 --port (?<port>\d+)/g },
}

/** The ports on which a service answers others inside the stack. */
export function listeningPorts(files: Files, service: ComposeService): readonly number[] {
  const own = service.environment['PORT']
  if (own !== undefined) return [Number(own)]
  const { said, otherwise = [] } = LISTENING[service.name] ?? {}
  const found = portsIn(files, service, said)
  return found.length > 0 ? found : otherwise
}

/** The ports on which a service answers itself, those for others among them. */
export function innerPorts(files: Files, service: ComposeService): readonly number[] {
  const inside = portsIn(files, service, LISTENING[service.name]?.inside)
  return [...listeningPorts(files, service), ...inside]
}

function portsIn(files: Files, service: ComposeService, said: RegExp | undefined): number[] {
  if (said === undefined) return []
  const found = textsOf(files, service).flatMap(({ text }) =>
    [...text.matchAll(said)].map(({ groups }) => Number(groups?.['port'])),
  )
  return [...new Set(found)]
}

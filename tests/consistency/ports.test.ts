import { expect, test } from 'vitest'
import { HOST_PORTS } from '../stack/support/addresses.ts'
import { broken, type Fault } from './broken.ts'
import { checkout } from './files.ts'
import { portFindings } from './ports.ts'

const files = checkout()

test('compose, the stack tests and the documents have one table of ports', () => {
  expect(portFindings(files, HOST_PORTS)).toEqual([])
})

const LOGGING = 'docker-compose.logging.yml'
const LOKI = '"127.0.0.1:${LOKI_PORT:-3100}:3100"'

test.for<Fault>([
  {
    in: LOGGING,
    from: LOKI,
    to: '"${LOKI_PORT:-3100}:3100"',
    says: 'loki publishes 3100:3100, and not on 127.0.0.1 alone',
  },
  {
    in: LOGGING,
    from: LOKI,
    to: '"0.0.0.0:${LOKI_PORT:-3100}:3100"',
    says: 'loki publishes 0.0.0.0:3100:3100, and not on 127.0.0.1 alone',
  },
  {
    in: LOGGING,
    from: LOKI,
    to: '"127.0.0.1:${LOKI_PORT:-3100}:3101"',
    says: 'loki publishes 3101, and listens on 3100, 9096',
  },
  {
    in: 'config/loki/loki.yml',
    from: 'http_listen_port: 3100',
    to: 'http_listen_port: 3200',
    says: 'loki publishes 3100, and listens on 3200, 9096',
  },
  {
    in: LOGGING,
    from: `    ports: [${LOKI}]\n`,
    to: '',
    says: 'loki is published on nothing, and asked on 3100',
  },
  {
    in: '.env.infrastructure',
    from: 'GRAFANA_PORT=3003',
    to: 'GRAFANA_PORT=3004',
    says: 'grafana is published on 3004, and asked on 3003',
  },
  {
    in: 'config/profiles/demo.env',
    from: 'CLOCK_SPEED=20',
    to: 'CLOCK_SPEED=20\nGATEWAY_PORT=8091',
    says: 'inference-gateway is published on 8091, and asked on 8090',
  },
  {
    in: 'docker-compose.yml',
    from: '    user: "70:70"\n',
    to: '    user: "70:70"\n    ports: ["127.0.0.1:5432:5432"]\n',
    says: 'timescaledb is published on 5432, and asked on nothing',
  },
  {
    in: 'README.md',
    from: '<http://localhost:3003>',
    to: '<http://localhost:3000>',
    says: 'README.md gives localhost:3000, and nothing is published there',
  },
  {
    in: 'README.md',
    from: '<http://localhost:3003>',
    to: '<http://localhost:3000>',
    says: 'README.md does not give localhost:3003',
  },
  {
    in: 'docs/seed.md',
    from: 'MLflow http://localhost:5000',
    to: 'MLflow http://localhost:8200',
    says: 'docs/seed.md gives MLflow at localhost:8200, and it is at 5000',
  },
])('finds that $says', (fault) => {
  expect(portFindings(broken(files, fault), HOST_PORTS)).toContain(fault.says)
})

test('finds a port that the stack tests have otherwise', () => {
  expect(portFindings(files, { ...HOST_PORTS, loki: 3200 })).toContain(
    'loki is published on 3100, and asked on 3200',
  )
})

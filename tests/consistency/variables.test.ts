import { expect, test } from 'vitest'
import { broken, type Fault } from './broken.ts'
import { checkout } from './files.ts'
import { variableFindings } from './variables.ts'

const files = checkout()

test('every variable of the compose files is written down, and every one written down is used', () => {
  expect(variableFindings(files)).toEqual([])
})

const ENV = '.env.infrastructure'

test.for<Fault>([
  {
    in: ENV,
    from: 'LOKI_PORT=3100\n',
    to: '',
    says: 'docker-compose.logging.yml uses LOKI_PORT, which no environment file has',
  },
  {
    in: 'docker-compose.mlops.yml',
    from: '${MLFLOW_PORT:-5000}',
    to: '${MLFLOW_HTTP_PORT:-5000}',
    says: 'docker-compose.mlops.yml uses MLFLOW_HTTP_PORT, which no environment file has',
  },
  {
    in: 'docker-compose.mlops.yml',
    from: '${MLFLOW_PORT:-5000}',
    to: '5000',
    says: 'MLFLOW_PORT is written down, and nothing uses it',
  },
  {
    in: 'images.standin.env',
    from: 'LOKI_IMAGE=',
    to: 'TEMPO_IMAGE=',
    says: 'TEMPO_IMAGE is written down, and nothing uses it',
  },
  {
    in: ENV,
    from: 'VAULT_ROLE_ID=\n',
    to: '',
    says: 'VAULT_ROLE_ID is excepted, and needs no exception',
  },
  {
    in: 'docker-compose.yml',
    from: 'POSTGRES_DB: usdcop',
    to: 'POSTGRES_DB: ${COMPOSE_PROJECT_NAME:-usdcop}',
    says: 'COMPOSE_PROJECT_NAME is excepted, and needs no exception',
  },
  {
    in: 'config/profiles/demo.env',
    from: 'CLOCK_SPEED=20',
    to: 'CLOCK_RATE=20',
    says: 'config/profiles/demo.env sets CLOCK_RATE, which .env.infrastructure does not have',
  },
  {
    in: 'docker-compose.infrastructure.yml',
    from: 'LOG_LEVEL: ${LOG_LEVEL:-info}',
    to: 'LOG_LEVEL: ${LOG_LEVEL:-debug}',
    says: 'LOG_LEVEL has two defaults: info and debug',
  },
  {
    in: 'package.json',
    from: '"version": "0.1.0"',
    to: '"version": "0.2.0"',
    says: 'USDCOP_VERSION is 0.1.0, and package.json says 0.2.0',
  },
])('finds that $says', (fault) => {
  expect(variableFindings(broken(files, fault))).toContain(fault.says)
})

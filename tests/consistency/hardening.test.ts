import { expect, test } from 'vitest'
import { broken, type Fault } from './broken.ts'
import { checkout } from './files.ts'
import { hardeningFindings } from './hardening.ts'

const files = checkout()

test('every container is denied what it does not need', () => {
  expect(hardeningFindings(files)).toEqual([])
})

const BASE = 'docker-compose.yml'
const LOGGING = 'docker-compose.logging.yml'
const MLOPS = 'docker-compose.mlops.yml'
const MLFLOW = '    image: ${MLFLOW_IMAGE:?run scripts/stack/prepare.sh first}\n'
const GATEWAY = '    mem_limit: 640m\n'

test.for<Fault>([
  {
    in: LOGGING,
    from: '  read_only: true\n',
    to: '',
    says: 'loki has a root file system that can be written',
  },
  { in: LOGGING, from: 'cap_drop: [ALL]', to: 'cap_drop: [KILL]', says: 'loki keeps capabilities' },
  {
    in: MLOPS,
    from: 'security_opt: ["no-new-privileges:true"]',
    to: 'security_opt: ["no-new-privileges:false"]',
    says: 'mlflow may gain new privileges',
  },
  { in: BASE, from: GATEWAY, to: '', says: 'inference-gateway has no memory limit in MiB' },
  {
    in: MLOPS,
    from: '    mem_limit: 1024m\n    cpus: 1\n',
    to: '    mem_limit: 1024m\n',
    says: 'mlflow has no limit of processors',
  },
  {
    in: BASE,
    from: '  pids_limit: 128\n',
    to: '',
    says: 'inference-gateway has no limit of processes',
  },
  {
    in: MLOPS,
    from: 'max-size: 10m, ',
    to: '',
    says: 'mlflow-db logs otherwise than the log shipper reads',
  },
  {
    in: LOGGING,
    from: 'labels: com.docker.compose.service',
    to: 'labels: service',
    says: 'alertmanager logs otherwise than the log shipper reads',
  },
  {
    in: LOGGING,
    from: 'restart: unless-stopped',
    to: 'restart: "no"',
    says: 'alloy does not come back after a crash',
  },
  { in: LOGGING, from: 'user: "10001:10001"', to: 'user: "0:10001"', says: 'loki runs as root' },
  { in: BASE, from: '    user: "70:70"\n', to: '', says: 'timescaledb runs as root' },
  {
    in: BASE,
    from: 'user: "65532:65532"',
    to: 'user: "1000:1000"',
    says: 'materializer is ours and does not run as 65532:65532',
  },
  { in: BASE, from: '  init: true\n', to: '', says: 'demo-feed is ours and has no init' },
  {
    in: BASE,
    from: '  stop_grace_period: 20s\n',
    to: '',
    says: 'feast-server is ours and does not say how long it may take to stop',
  },
  {
    in: MLOPS,
    from: MLFLOW,
    to: '    image: ghcr.io/mlflow/mlflow:latest\n',
    says: 'mlflow runs ghcr.io/mlflow/mlflow:latest, which can change',
  },
  {
    in: MLOPS,
    from: MLFLOW,
    to: '    image: ghcr.io/mlflow/mlflow\n',
    says: 'mlflow runs ghcr.io/mlflow/mlflow, which can change',
  },
  {
    in: LOGGING,
    from: '- alloy:/var/lib/alloy/data',
    to: '- /var/run/docker.sock:/var/run/docker.sock:ro',
    says: "alloy mounts Docker's socket",
  },
  ...['container_name: gateway', 'privileged: true', 'network_mode: host', 'pid: host'].map(
    (line) => ({
      in: BASE,
      from: GATEWAY,
      to: `${GATEWAY}    ${line}\n`,
      says: `inference-gateway has ${line.split(':')[0]}, which is not among the keys a service may have`,
    }),
  ),
  {
    in: BASE,
    from: GATEWAY,
    to: `${GATEWAY}    cap_add: [NET_ADMIN]\n`,
    says: 'inference-gateway NET_ADMIN is added without a reason',
  },
  {
    in: LOGGING,
    from: '    cap_add: [DAC_READ_SEARCH]\n',
    to: '',
    says: 'alloy DAC_READ_SEARCH is excepted, and needs no exception',
  },
  {
    in: MLOPS,
    from: MLFLOW,
    to: `${MLFLOW}    user: "1000:1000"\n`,
    says: 'mlflow is excepted, and needs no exception',
  },
])('finds that $says', (fault) => {
  expect(hardeningFindings(broken(files, fault))).toContain(fault.says)
})

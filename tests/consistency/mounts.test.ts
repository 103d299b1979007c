import { expect, test } from 'vitest'
import { broken, type Fault, withFile, withMode } from './broken.ts'
import { checkout } from './files.ts'
import { mountFindings } from './mounts.ts'

const files = checkout()

test('what a container mounts is there, can be read, and what it keeps can be written', () => {
  expect(mountFindings(files)).toEqual([])
})

const LOGGING = 'docker-compose.logging.yml'

test.for<Fault>([
  {
    in: LOGGING,
    from: '- ./config/loki:/etc/loki:ro',
    to: '- ./config/lokki:/etc/loki:ro',
    says: 'loki mounts ./config/lokki, which is not there',
  },
  {
    in: LOGGING,
    from: '- ./config/loki:/etc/loki:ro',
    to: '- ./config/loki:/etc/loki',
    says: 'loki may write ./config/loki of the host',
  },
  {
    in: LOGGING,
    from: '-config.file=/etc/loki/loki.yml',
    to: '-config.file=/etc/loki/loki.yaml',
    says: 'loki is started with config/loki/loki.yaml, which is not there',
  },
  {
    in: LOGGING,
    from: ' /etc/alloy/config.alloy,\n',
    to: ' /etc/alloy/alloy.river,\n',
    says: 'alloy is started with config/alloy/alloy.river, which is not there',
  },
  {
    in: LOGGING,
    from: '- loki:/loki',
    to: '- loki:/var/loki',
    says: 'loki keeps files in /var/loki, which belongs to root in a new volume',
  },
  {
    in: LOGGING,
    from: 'user: "10001:10001"',
    to: 'user: "10002:10001"',
    says: 'loki runs as 10002, and grafana/loki is made for 10001',
  },
  {
    in: 'images.env',
    from: 'LOKI_IMAGE=grafana/loki:',
    to: 'LOKI_IMAGE=grafana/enterprise-logs:',
    says: 'loki: nobody has said whose folders grafana/enterprise-logs has',
  },
  {
    in: LOGGING,
    from: 'volumes:\n  loki:\n',
    to: 'volumes:\n  loki:\n  tempo:\n',
    says: 'docker-compose.logging.yml has the volume tempo, which none of its services mounts',
  },
  {
    in: 'docker-compose.yml',
    from: 'networks: [default]\n',
    to: 'networks: [front]\n',
    says: 'docker-compose.yml does not have the network front, which a service joins',
  },
  {
    in: 'docker-compose.mlops.yml',
    from: 'networks:\n  default:\n',
    to: 'networks:\n  front: {}\n  default:\n',
    says: 'docker-compose.mlops.yml has the network front, which none of its services joins',
  },
])('finds that $says', (fault) => {
  expect(mountFindings(broken(files, fault))).toContain(fault.says)
})

test('finds a file and a folder that only their owner can read', () => {
  const file = 'config/prometheus/rules/platform.yml'
  expect(mountFindings(withMode(files, file, 0o640))).toContain(`prometheus cannot read ${file}`)
  const nested = withFile(files, 'config/prometheus/closed/more.yml', '')
  const closed: typeof files = {
    ...nested,
    mode: (path) => (path === 'config/prometheus/closed' ? 0o700 : nested.mode(path)),
  }
  expect(mountFindings(closed)).toContain('prometheus cannot read config/prometheus/closed')
})

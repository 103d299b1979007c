import { expect, test } from 'vitest'
import { broken, type Fault } from './broken.ts'
import { checkout } from './files.ts'
import { userFindings } from './users.ts'

const files = checkout()

test('who runs as whom is written down', () => {
  expect(userFindings(files)).toEqual([])
})

const TABLE = 'tests/consistency/README.md'

test.for<Fault>([
  {
    in: 'docker-compose.logging.yml',
    from: 'user: "65534:65534"',
    to: 'user: "1000:1000"',
    says: `alertmanager runs as 1000:1000, and ${TABLE} says 65534:65534`,
  },
  {
    in: 'docker-compose.yml',
    from: '    user: "70:70"\n',
    to: '',
    says: `timescaledb runs as its image's, and ${TABLE} says 70:70`,
  },
  {
    in: TABLE,
    from: '`otel-collector`, `jaeger`, `loki`',
    to: '`otel-collector`, `jaeger`',
    says: `${TABLE} does not say who loki runs as`,
  },
  {
    in: TABLE,
    from: '| `grafana` | 472:0 |',
    to: '| `grafana`, `tempo` | 472:0 |',
    says: `${TABLE} says who tempo runs as, and there is none`,
  },
])('finds that $says', (fault) => {
  expect(userFindings(broken(files, fault))).toContain(fault.says)
})

import { expect, test } from 'vitest'
import { broken, type Fault } from './broken.ts'
import { checkout } from './files.ts'
import { standInFindings } from './stand-ins.ts'

const files = checkout()

test('each stand-in says what it is, in its true version, and is made', () => {
  expect(standInFindings(files)).toEqual([])
})

test.for<Fault>([
  {
    in: 'images.standin.env',
    from: '# substitute: OpenBao',
    to: '# real: OpenBao',
    says: 'VAULT is said to be real, and is substitute',
  },
  {
    in: 'docker/standin/versions.env',
    from: 'JAEGER=2.13.0',
    to: 'JAEGER=2.14.0',
    says: 'usdcop-standin/jaeger:2.13.0 is tagged otherwise than docker/standin/versions.env says: 2.14.0',
  },
  {
    in: 'images.standin.env',
    from: '# real: Loki 3.7.8',
    to: '# real: Loki 3.7.0',
    says: 'usdcop-standin/loki:3.7.8 is said to be Loki 3.7.0',
  },
  {
    in: 'images.standin.env',
    from: 'STACK_ABSENT=grafana',
    to: 'STACK_ABSENT=',
    says: 'STACK_ABSENT leaves out nothing, and not grafana',
  },
  {
    in: 'docker/standin/README.md',
    from: '| redis 8.8.3 |',
    to: '| redis 8 |',
    says: 'docker/standin/README.md does not name 8.8.3 of REDIS',
  },
  {
    in: 'docker/standin/README.md',
    from: 'Jaeger 2.13.0 ',
    to: 'Jaeger ',
    says: 'docker/standin/README.md does not name 2.13.0 of JAEGER',
  },
  {
    in: 'docker/standin/build.sh',
    from: 'image log-shipper ',
    to: '# image log-shipper ',
    says: 'docker/standin/build.sh makes no log-shipper',
  },
])('finds that $says', (fault) => {
  expect(standInFindings(broken(files, fault))).toContain(fault.says)
})

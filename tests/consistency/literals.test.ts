import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { broken, type Fault, withFile } from './broken.ts'
import { checkout } from './files.ts'
import { literalFindings } from './literals.ts'

const files = checkout()

test('nothing in the repository looks like a secret', () => {
  expect(literalFindings(files)).toEqual([])
})

/** Made here: written out it would be found in this very file. */
const random = createHash('sha256').update('a secret')
const hex = random.copy().digest('hex')
const base64 = random.copy().digest('base64url')
const upper = hex.toUpperCase()

test.for([
  ['key.pem', `-----BEGIN EC ${'PRIVATE'} KEY-----`, 'a private key'],
  ['docs/x.md', `hvs${'.'}${'A'.repeat(24)}`, 'a token of Vault'],
  ['x.yml', `hooks.slack.com/${'services'}/T012/B345/abc`, 'a webhook of Slack'],
  ['x.ts', `xoxb${'-'}123456789012`, 'a token of Slack'],
  ['x.ts', `ghp_${'a'.repeat(36)}`, 'a token of GitHub'],
  ['x.ts', `AKIA${upper.slice(0, 16)}`, 'a key of AWS'],
  ['x.ts', `eyJ${'a'.repeat(12)}.${'b'.repeat(12)}.c`, 'a JSON Web Token'],
  ['x.ts', `postgres://usdcop:${'correct'}@db`, 'a password in a URL'],
  ['x.ts', hex.slice(0, 48), 'a value that nobody could guess'],
  ['x.md', base64, 'a value that nobody could guess'],
  ['config/x.yml', `password: ${'correct'}`, 'a secret beside its name'],
  ['config/x.conf', `  requirepass_token = "${'horse'}"`, 'a secret beside its name'],
  ['config/x.env', `GRAFANA_PASSWORD=${'battery'}`, 'a secret beside its name'],
  ['config/x.json', `{"api_key": "${'staple'}"}`, 'a secret beside its name'],
] as const)('in %s, %s is found', ([path, text, what]) => {
  expect(literalFindings(withFile(files, path, `\n${text}\n`))).toContain(`${path}:2 holds ${what}`)
})

test.for([
  ['config/x.yml', 'password: $__file{/run/secrets/x}'],
  ['config/x.env', 'TOKEN='],
  ['config/x.env', 'TOKEN=${OTHER:-}'],
  ['config/x.yml', '# password: the one in secrets/'],
  ['config/x.yml', 'credentials_file: /run/secrets/metrics_key'],
  ['x.ts', 'postgres://usdcop:${password}@db'],
  ['x.ts', 'const createInferenceGatewayMetrics = 1'],
] as const)('in %s, %s is no secret', ([path, text]) => {
  expect(literalFindings(withFile(files, path, text))).toEqual([])
})

test.for<Fault>([
  {
    in: '.env.infrastructure',
    from: 'VAULT_DEV_TOKEN=',
    to: 'VAULT_DEV_TOKEN=devtoken',
    says: '.env.infrastructure knows the development token',
  },
  {
    in: 'config/profiles/production.env',
    from: 'DEPLOYMENT_ENVIRONMENT=production',
    to: 'VAULT_DEV_TOKEN=operator',
    says: 'production has a development token',
  },
  {
    in: 'config/profiles/production.env',
    from: 'DEPLOYMENT_ENVIRONMENT=production',
    to: 'VAULT_DEV_TOKEN=operator',
    says: 'config/profiles/production.env:2 holds a secret beside its name',
  },
])('finds that $says', (fault) => {
  expect(literalFindings(broken(files, fault))).toContain(fault.says)
})

test('finds a secret that was committed as a file, and an exception that nothing needs', () => {
  expect(literalFindings(withFile(files, 'secrets/api_keys', ''))).toContain(
    'secrets/api_keys is in the repository',
  )
  expect(literalFindings(withFile(files, 'tests/golden/feast.json', '{}'))).toContain(
    'nothing needs the exception for rows of Redis as bytes',
  )
})

import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { repositoryPath } from '../../src/paths.ts'
import { absentOverride, COMPOSE_FILES } from '../../src/stack/compose.ts'
import { notedIn, parseEnvironment, Settings } from '../../src/stack/environment.ts'
import { readComposeNames, sourcesOf } from '../../src/stack/folder.ts'
import { addressesOf, OWN_PROFILES, PUBLISHED } from '../../src/stack/published.ts'

const ENV = `# Written by scripts/stack/prepare.sh
# profile: demo
# images: images.standin.env
REDIS_IMAGE=redis:8
LOG_LEVEL=info
EMPTY=

# yours
# profile: not this one
LOG_LEVEL=debug
`

test('reads .env as Compose does: the last wins, the shell before all', () => {
  const settings = new Settings(parseEnvironment(ENV), { REDIS_IMAGE: 'redis:9', NO_IMAGE: 'x' })
  expect(settings.get('LOG_LEVEL')).toBe('debug')
  expect(settings.get('EMPTY')).toBeUndefined()
  expect(settings.images()).toEqual([{ variable: 'REDIS_IMAGE', image: 'redis:9' }])
  expect(new Settings(parseEnvironment('A= x, y ,\n'), {}).list('A')).toEqual(['x', 'y'])
})

test('reads what .env was written with', () => {
  expect(notedIn(ENV, 'profile')).toBe('demo')
  expect(sourcesOf(ENV)).toEqual([
    '.env.infrastructure',
    'images.standin.env',
    'config/profiles/demo.env',
  ])
  expect(sourcesOf('')).toEqual(['.env.infrastructure', 'images.env', 'config/profiles/dev.env'])
})

test('knows every port that the compose files publish, and no other', async () => {
  const published = [...(await composeText()).matchAll(/127\.0\.0\.1:\$\{(\w+):-(\d+)\}/g)]
  const known = PUBLISHED.map(({ variable, port }) => `${variable} ${port}`)
  expect(new Set(published.map(([, variable, port]) => `${variable} ${port}`))).toEqual(
    new Set(known),
  )
})

test('knows every compose profile', async () => {
  const lists = [...(await composeText()).matchAll(/^ {4}profiles: \[(.*)\]$/gm)]
  expect(lists.map(([, profiles]) => profiles)).toEqual(Object.values(OWN_PROFILES))
})

test('finds the secrets and our images in the compose files', async () => {
  const { secrets, built } = await readComposeNames(repositoryPath('.'))
  expect(secrets).toEqual(
    expect.arrayContaining(['redis_users', 'tls/demo-feed.key', 'tls/materializer.key']),
  )
  expect(built).toEqual([
    'usdcop/feature-server',
    'usdcop/inference-gateway',
    'usdcop/materializer',
    'usdcop/secrets-broker',
  ])
})

test('tells where each service is, with the ports and the scheme of .env', () => {
  const settings = new Settings(
    parseEnvironment('GATEWAY_PORT=9000\nVAULT_ADDR=https://vault:8200\n'),
    {},
  )
  const urls = addressesOf(['inference-gateway', 'vault', 'loki', 'redis'], settings)
  expect(urls.map(({ what, url }) => `${what} ${url}`)).toEqual([
    'Console http://localhost:9000',
    'Loki http://localhost:3100/ready',
    'Vault https://localhost:8200',
  ])
})

test('leaves services out by a profile nobody asks for', () => {
  expect(absentOverride(['grafana', 'mlflow'])).toMatch(
    /\nservices:\n {2}grafana:\n {4}profiles: \[absent\]\n {2}mlflow:\n {4}profiles: \[absent\]\n$/,
  )
})

async function composeText(): Promise<string> {
  const files = COMPOSE_FILES.map((file) => readFile(repositoryPath(file), 'utf8'))
  return (await Promise.all(files)).join('\n')
}

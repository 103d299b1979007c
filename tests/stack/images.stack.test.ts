import { describe, expect, test } from 'vitest'
import { tagOf } from './images.ts'
import { PEERS } from './support/addresses.ts'
import { containerOf, docker, projectContainers } from './support/docker.ts'
import { ask, askJson } from './support/http.ts'
import { imagesInUse } from './support/images-in-use.ts'

describe('Images', () => {
  test('every server of somebody else runs the image that the table shows', async ({ signal }) => {
    const peers: readonly string[] = PEERS
    const containers = (await projectContainers(signal)).filter(({ service }) =>
      peers.includes(service),
    )
    expect(containers.length).toBeGreaterThan(5)
    expect(containers.map(({ service, Config }) => [service, Config.Image])).toEqual(
      containers.map(({ service }) => [service, imageOf(service)]),
    )
  })

  test.for([
    { service: 'vault', versionOf: vaultVersion },
    { service: 'mlflow', versionOf: mlflowVersion },
    { service: 'redis', versionOf: redisVersion },
  ])('$service is of the version it is tagged with', async ({ service, versionOf }, { signal }) => {
    const version = await versionOf(signal)
    expect(version).toMatch(/^\d+\.\d+\.\d+$/)
    expect(tagOf(imageOf(service))).toContain(version)
  })
})

/** What is made ready by a client runs the image of its server. */
function imageOf(service: string): string {
  const wanted = service
    .replace(/-init$/, '')
    .replaceAll('-', '_')
    .toUpperCase()
  const found = imagesInUse().find(({ name }) => name === wanted)
  if (found === undefined) throw new Error(`no image is called ${wanted}`)
  return found.image
}

async function vaultVersion(signal: AbortSignal): Promise<string> {
  return (await askJson<{ version: string }>('vault', '/v1/sys/health', {}, signal)).version
}

async function mlflowVersion(signal: AbortSignal): Promise<string> {
  return (await ask('mlflow', '/version', {}, signal)).text.trim()
}

async function redisVersion(signal: AbortSignal): Promise<string> {
  const { Id } = await containerOf('redis', signal)
  const said = await docker(['exec', Id, 'redis-server', '--version'], signal)
  return /v=(?<version>\S+)/.exec(said)?.groups?.['version'] ?? said
}

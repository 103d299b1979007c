import { describe, expect, test } from 'vitest'
import { absentServices } from './absent.ts'
import { OURS, PEERS } from './support/addresses.ts'
import {
  assertWell,
  type Container,
  containerOf,
  docker,
  projectContainers,
  runNodeInside,
} from './support/docker.ts'
import { readText, stackEnvironment } from './support/given.ts'
import { FIND_NEEDLES, LIST_PACKAGES, READ_RIGHTS, TRY_WRITING } from './support/inside.ts'
import { MIB, memoryOf, memoryTable } from './support/memory.ts'
import { secretNeedles } from './support/secrets.ts'

const LIMIT_BYTES = 6 * 1_024 * MIB

describe('All containers', () => {
  test('run, and are healthy where they say what health is', async ({ signal }) => {
    const containers = await projectContainers(signal)
    expect(() => containers.forEach(assertWell)).not.toThrow()
  })

  test('are those that are known here, and no other', async ({ signal }) => {
    const services = (await projectContainers(signal)).map(({ service }) => service)
    const absent = absentServices({ ...stackEnvironment(), ...process.env })
    const wanted = [...OURS, ...PEERS].filter((service) => !absent.includes(service))
    expect(services).toEqual(wanted.sort())
  })

  test('are kept apart from the machine: read-only, without capabilities, within limits', async ({
    signal,
  }) => {
    const containers = await projectContainers(signal)
    expect(Object.fromEntries(containers.map((one) => [one.service, faultsOf(one)]))).toEqual(
      Object.fromEntries(containers.map(({ service }) => [service, []])),
    )
  })

  test('are told no secret where others can read it', async ({ signal }) => {
    const secrets = secretNeedles()
    const found = (await projectContainers(signal)).flatMap(({ service, Config, Path, Args }) => {
      const told = JSON.stringify([Config, Path, Args])
      return secrets
        .filter(({ text }) => told.includes(text))
        .map(({ file }) => `${service}: ${file}`)
    })
    expect(secrets.length).toBeGreaterThan(8)
    expect(found).toEqual([])
  })

  test('use at most 6 GiB of memory together', async ({ signal }) => {
    const memory = await memoryOf(await projectContainers(signal), signal)
    process.stdout.write(`\n${memoryTable(memory)}\n`)
    const total = memory.reduce((sum, { usedBytes }) => sum + usedBytes, 0)
    expect(total).toBeGreaterThan(0)
    expect(total).toBeLessThanOrEqual(LIMIT_BYTES)
  })
})

describe.for(OURS)('Our container %s', (service) => {
  test('runs as nobody, with no right that could be taken', async ({ signal }) => {
    const container = await containerOf(service, signal)
    expect(container.Config.User).toBe('65532:65532')
    expect(container.HostConfig.CapAdd ?? []).toEqual([])
    const rights = await runNodeInside<object>(container, READ_RIGHTS, {}, signal)
    const none = '0'.repeat(16)
    expect(rights).toMatchObject({
      Uid: expect.stringMatching(/^65532\t65532\t65532\t65532$/),
      CapEff: none,
      CapPrm: none,
      CapBnd: none,
      NoNewPrivs: '1',
    })
  })

  test('can write where a mount is declared and nowhere else', async ({ signal }) => {
    const container = await containerOf(service, signal)
    // The kernel's own file systems: what they let a process write is about that process alone.
    const skip = ['/proc', '/sys', '/dev', ...declaredWritable(container)]
    const { tried, writable } = await runNodeInside<{ tried: number; writable: string[] }>(
      container,
      TRY_WRITING,
      { skip },
      signal,
    )
    expect(tried).toBeGreaterThan(50)
    expect(writable).toEqual([])
  })

  test('holds none of the tools it is built and tested with', async ({ signal }) => {
    const container = await containerOf(service, signal)
    const { devDependencies } = JSON.parse(readText('package.json')) as {
      devDependencies: Record<string, string>
    }
    // Types are no tools, and libraries bring some along.
    const tools = Object.keys(devDependencies).filter((name) => !/^@(usdcop|types)\//.test(name))
    expect(tools).toContain('vitest')
    const packages = await runNodeInside<string[]>(container, LIST_PACKAGES, {}, signal)
    expect(packages).toContain('.pnpm')
    const found = packages.filter((folder) => tools.some((tool) => isOf(tool, folder)))
    expect(found).toEqual([])
  })

  test('gives away no secret: not in its image, its environment or its arguments', async ({
    signal,
  }) => {
    const container = await containerOf(service, signal)
    const secrets = secretNeedles()
    expect(secrets.length).toBeGreaterThan(8)
    const history = ['history', '--no-trunc', '--format', '{{.CreatedBy}}', container.Image]
    const told = [
      await docker(history, signal),
      await docker(['image', 'inspect', container.Image], signal),
      JSON.stringify([container.Config, container.Path, container.Args]),
    ].join('\n')
    expect(secrets.filter(({ text }) => told.includes(text)).map(({ file }) => file)).toEqual([])

    const input = { needles: secrets.map(({ text }) => text), roots: ['/app', '/usr/local/bin'] }
    const { looked, found } = await runNodeInside<{
      looked: number
      found: { needle: number; path: string }[]
    }>(container, FIND_NEEDLES, input, signal)
    expect(looked).toBeGreaterThan(500)
    expect(found.map(({ needle, path }) => `${secrets[needle]?.file} in ${path}`)).toEqual([])
  })
})

/** What a container may that none of ours should; in words, because they are what a failure shows. */
function faultsOf({ HostConfig, Mounts }: Container): string[] {
  const { CapDrop, SecurityOpt, LogConfig, PortBindings } = HostConfig
  const published = Object.values(PortBindings ?? {}).flatMap((bindings) => bindings ?? [])
  const faults: Record<string, boolean> = {
    'is privileged': HostConfig.Privileged,
    'can change its root': !HostConfig.ReadonlyRootfs,
    'keeps capabilities': !(CapDrop ?? []).includes('ALL'),
    'may gain privileges': !(SecurityOpt ?? []).some((one) =>
      /^no-new-privileges(:true)?$/.test(one),
    ),
    'has no memory limit': HostConfig.Memory <= 0,
    'has no limit of processes': (HostConfig.PidsLimit ?? 0) <= 0,
    'keeps its log for ever':
      LogConfig.Type !== 'json-file' ||
      LogConfig.Config['max-size'] === undefined ||
      LogConfig.Config['max-file'] === undefined,
    'listens beyond loopback': published.some(({ HostIp }) => HostIp !== '127.0.0.1'),
    'holds Docker’s socket': Mounts.some(({ Source }) => (Source ?? '').endsWith('docker.sock')),
  }
  return Object.entries(faults).flatMap(([fault, holds]) => (holds ? [fault] : []))
}

function declaredWritable({ Mounts, HostConfig: { Tmpfs } }: Container): string[] {
  const mounted = Mounts.filter(({ RW }) => RW).map(({ Destination }) => Destination)
  return [...mounted, ...Object.keys(Tmpfs ?? {})]
}

/** pnpm calls a package's folder `scope+name@version`. */
function isOf(tool: string, folder: string): boolean {
  return folder === tool || folder.startsWith(`${tool.replace('/', '+')}@`)
}

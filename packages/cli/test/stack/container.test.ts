import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { bytesOf, parseContainers, parseMemory, sayBytes } from '../../src/stack/container.ts'
import { captured } from './captured.ts'

test.for(['inspect-compose-1.29.json', 'inspect-compose-5.json'] as const)(
  'reads what docker inspect said of containers: %s',
  async (file) => {
    const containers = await captured(file)
    expect(
      containers.map(({ service, state, health, exitCode, restartPolicy }) => ({
        service,
        state,
        health,
        exitCode,
        restartPolicy,
      })),
    ).toEqual([
      { service: 'broken', state: 'running', health: 'unhealthy', exitCode: 0, ...kept },
      { service: 'looping', state: 'restarting', health: 'none', exitCode: 1, ...kept },
      { service: 'once', state: 'exited', health: 'none', exitCode: 0, restartPolicy: 'no' },
      { service: 'once-off', state: 'exited', health: 'none', exitCode: 3, restartPolicy: 'no' },
      { service: 'plain', state: 'running', health: 'none', exitCode: 0, ...kept },
      { service: 'store', state: 'running', health: 'healthy', exitCode: 0, ...kept },
    ])
    const [broken, looping, , , , store] = containers
    expect(broken?.name).toMatch(/^stacktrial[-_]broken[-_]1$/)
    expect(broken?.healthOutput).toBe("cat: can't open '/tmp/never': No such file or directory")
    expect(looping?.restarts).toBeGreaterThan(0)
    expect(store).toMatchObject({
      image: 'stacktrial/busybox:1',
      ports: [{ host: 18441, inside: 80 }],
      memoryLimitBytes: 32 * 1024 ** 2,
      fault: '',
    })
  },
)

const kept = { restartPolicy: 'unless-stopped' }

test('leaves out the containers of `compose run`', async () => {
  const text = await readFile(new URL('captured/inspect-compose-5.json', import.meta.url), 'utf8')
  const oneOff = text.replaceAll(
    '"com.docker.compose.oneoff": "False"',
    '"com.docker.compose.oneoff": "True"',
  )
  expect(parseContainers(oneOff)).toEqual([])
})

test('refuses what is no answer of docker inspect', () => {
  expect(() => parseContainers('[{"Id":1}]')).toThrow(/Id/)
})

test('reads memory in use', () => {
  const lines = [
    '{"BlockIO":"0B / 0B","ID":"302679d60bf2","MemUsage":"788KiB / 23.54GiB","PIDs":"1"}',
    '{"BlockIO":"0B / 0B","ID":"50155d51a06c","MemUsage":"0B / 0B","PIDs":"0"}',
  ]
  expect([...parseMemory(`${lines.join('\n')}\n`)]).toEqual([
    ['302679d60bf2', 788 * 1024],
    ['50155d51a06c', 0],
  ])
})

test.for([
  ['0B', 0, '0 MiB'],
  ['12.5MiB', 13_107_200, '13 MiB'],
  ['1.498GiB', 1_608_465_252, '1.5 GiB'],
] as const)('reads %s', ([text, bytes, said]) => {
  expect(bytesOf(text)).toBe(bytes)
  expect(sayBytes(bytes)).toBe(said)
})

test('takes nothing else for a size', () => {
  expect(bytesOf('--')).toBeNaN()
})

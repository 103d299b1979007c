import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { createUpProgress } from '../../src/stack/up-progress.ts'
import type { Step } from '../../src/stack/waiting.ts'

const container = undefined
const LOOKS: readonly (readonly Step[])[] = [
  [
    { service: 'redis', step: 'waiting', state: 'health starting', container },
    { service: 'vault', step: 'waiting', state: 'not yet', container },
  ],
  [
    { service: 'redis', step: 'ready', state: 'healthy', container },
    { service: 'vault', step: 'waiting', state: 'created', container },
  ],
  [
    { service: 'redis', step: 'ready', state: 'healthy', container },
    { service: 'vault', step: 'failed', state: 'unhealthy', container },
  ],
]

test('tells of each change once where there is no terminal', async () => {
  expect(await shown(false)).toBe(
    'redis: health starting (0 s)\nredis: healthy (2 s)\nvault: created (2 s)\nvault: unhealthy (4 s)\n',
  )
})

test('draws the services over themselves on a terminal, with the seconds each took', async () => {
  const drawn = await shown(true)
  const [first = '', ...rest] = drawn.split('\u001b[2A')
  expect(rest).toHaveLength(2)
  expect(linesOf(first)).toEqual([
    '  …  redis  health starting  0 s',
    '  …  vault  not yet          0 s',
  ])
  expect(linesOf(rest[1] ?? '')).toEqual([
    '  ✓  redis  healthy    2 s',
    '  ✗  vault  unhealthy  4 s',
  ])
})

async function shown(isTTY: boolean): Promise<string> {
  const stream = Object.assign(new PassThrough(), { isTTY })
  const progress = createUpProgress(stream)
  for (const [index, steps] of LOOKS.entries()) progress.show(steps, index * 2_000)
  progress.stop()
  stream.end()
  return await text(stream)
}

function linesOf(drawn: string): string[] {
  return drawn
    .replaceAll('\u001b[K', '')
    .replaceAll('\u001b[J', '')
    .replaceAll('\r', '')
    .trimEnd()
    .split('\n')
}

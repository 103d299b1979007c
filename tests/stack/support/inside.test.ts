import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { FIND_NEEDLES } from './inside.ts'

test('a secret is found wherever it lies in a file, also where two pieces of it are read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-needles-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const needles = ['marker-of-the-first-secret', 'marker-of-the-second']
  const whole = Buffer.alloc(3 * 1_048_576, 'x')
  for (const [name, at] of [
    ['begin', 0],
    ['middle', 1_048_576 + 15],
    ['end', whole.length - 26],
  ] as const) {
    const content = Buffer.from(whole)
    content.write(needles[0] ?? '', at)
    await writeFile(join(folder, name), content)
  }
  await writeFile(join(folder, 'none'), whole)

  const program = spawn(process.execPath, ['--input-type=module', '-e', FIND_NEEDLES])
  program.stdin.end(JSON.stringify({ needles, roots: [folder] }))
  const { found } = JSON.parse(await text(program.stdout)) as { found: { path: string }[] }
  const names = found.map(({ path }) => path).filter((path) => path.startsWith(folder))
  expect(names.toSorted()).toEqual(['begin', 'end', 'middle'].map((name) => join(folder, name)))
})

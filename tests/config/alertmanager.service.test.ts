import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { program } from '../support/standin.ts'
import { readText, root } from './support/files.ts'
import { run, temporaryFolder, withReplaced } from './support/run.ts'

const amtool = program('amtool')
const file = join(root, 'config/alertmanager/alertmanager.yml')

function route(config: string, ...labels: string[]) {
  return run(amtool.path, ['config', 'routes', 'test', `--config.file=${config}`, ...labels])
}

describe.skipIf(amtool.missing)('amtool', () => {
  test('takes the configuration', async () => {
    const { code, output } = await run(amtool.path, ['check-config', file])
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('SUCCESS') })
  })

  test.for([
    [['alertname=Watchdog', 'severity=none'], 'nobody'],
    [['alertname=Watchdog', 'severity=page'], 'nobody'],
    [['alertname=TargetDown', 'severity=page', 'job=materializer'], 'page'],
    [['alertname=TargetDown', 'severity=ticket', 'job=loki'], 'ticket'],
    [['alertname=Unheard', 'severity=unheard'], 'ticket'],
  ] as const)('%s goes to %s', async ([labels, receiver]) => {
    expect(await route(file, ...labels)).toMatchObject({ code: 0, output: `${receiver}\n` })
  })

  test('sees a page that goes to nobody', async () => {
    await using folder = await temporaryFolder()
    const broken = join(folder.path, 'alertmanager.yml')
    await writeFile(
      broken,
      withReplaced(readText('config/alertmanager/alertmanager.yml'), {
        'receiver: page\n': 'receiver: nobody\n',
      }),
    )
    const expected = await route(broken, '--verify.receivers=page', 'severity=page')
    expect(expected.code).toBe(1)
  })

  test('refuses a receiver that is not there', async () => {
    await using folder = await temporaryFolder()
    const broken = join(folder.path, 'alertmanager.yml')
    const text = readText('config/alertmanager/alertmanager.yml')
    await writeFile(broken, withReplaced(text, { '- name: nobody': '- name: somebody' }))
    const { code, output } = await run(amtool.path, ['check-config', broken])
    expect(code).toBe(1)
    expect(output).toContain('undefined receiver')
  })
})

test('no webhook stands in the file', () => {
  const text = readText('config/alertmanager/alertmanager.yml')
  expect(text).not.toMatch(/api_url:|hooks\.slack\.com/)
  expect(text).toContain('api_url_file: /run/secrets/slack_webhook_url')
})

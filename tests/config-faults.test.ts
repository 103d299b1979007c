import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

interface Ended {
  readonly code: number | string | null
  readonly stdout: string
  readonly stderr: string
}

function run(service: string, env: NodeJS.ProcessEnv): Promise<Ended> {
  const main = fileURLToPath(new URL(`../services/${service}/src/main.ts`, import.meta.url))
  const { promise, resolve } = Promise.withResolvers<Ended>()
  execFile(process.execPath, [main], { env: { PATH: process.env['PATH'], ...env } }, (...ended) => {
    const [error, stdout, stderr] = ended
    resolve({ code: error?.code ?? 0, stdout, stderr })
  })
  return promise
}

test.for([
  { service: 'feature-server', variable: 'PORT' },
  { service: 'materializer', variable: 'PORT' },
  { service: 'inference-gateway', variable: 'PORT' },
  { service: 'all-in-one', variable: 'GATEWAY_PORT' },
])(
  '$service says in plain words what is wrong with its environment',
  { timeout: 60_000 },
  async ({ service, variable }) => {
    const { code, stdout, stderr } = await run(service, { [variable]: '70000', LOG_LEVEL: 'loud' })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^the environment is not usable:\n/)
    expect(stderr).toContain(`at ${variable}`)
    expect(stderr).toContain('at LOG_LEVEL')
    expect(stderr).not.toMatch(/^ +at .*\.ts/m)
  },
)

test('a service that would open to others without keys says so, and opens nothing', async () => {
  expect(await run('materializer', { HOST: '0.0.0.0', DATA_DIR: '/nowhere' })).toEqual({
    code: 1,
    stdout: '',
    stderr:
      'binding 0.0.0.0 would open this service beyond this machine, and API_KEYS names no key\n',
  })
})

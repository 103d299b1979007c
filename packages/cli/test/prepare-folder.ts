import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { beforeEach, onTestFinished } from 'vitest'
import { repositoryPath } from '../src/paths.ts'

export const INFRASTRUCTURE =
  '# all of them\nCOMPOSE_PROJECT_NAME=usdcop\nLOG_LEVEL=info\nCLOCK_SPEED=\n'
export const SECRETS = [
  'grafana_admin_password',
  'grafana_database_password',
  'metrics_key',
  'mlflow_database_password',
  'mlflow_database_url',
  'operator_key',
  'postgres_password',
  'reader_key',
  'redis_users',
  'slack_webhook_url',
  'vault_database_password',
  'vault_seeds',
  'writer_key',
]
export const CALLERS = ['demo-feed', 'feature-server', 'inference-gateway', 'materializer']
export const TLS = [
  'ca.crt',
  'ca.key',
  ...[...CALLERS, 'secrets-broker'].flatMap((name) => [`${name}.crt`, `${name}.key`]),
]
export const SUBNET = '172.30.0.0/16'

/** Of the test that runs: what prepare.sh finds, and a docker that makes a file. */
export let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'usdcop-prepare-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'config/profiles'), { recursive: true })
  await cp(repositoryPath('scripts/stack/prepare.sh'), join(folder, 'scripts/stack/prepare.sh'))
  await write('.env.infrastructure', INFRASTRUCTURE)
  await write('images.env', '# pinned\nREDIS_IMAGE=redis:8@sha256:00\n')
  await write('images.standin.env', 'REDIS_IMAGE=standin/redis:7\nSTACK_ABSENT=grafana\n')
  await write('config/profiles/dev.env', 'VAULT_SERVER=server -dev\n')
  await write('config/profiles/demo.env', 'LOG_LEVEL=debug\nCLOCK_SPEED=20\n')
  await write('config/profiles/production.env', 'LOG_LEVEL=warn\n')
  // Network and volumes are files here: what Docker has is Docker's affair, when it is asked is ours.
  await write(
    'bin/docker',
    `#!/bin/sh
echo "$*" >>'${folder}/docker-calls'
case $2 in
inspect) [ -f '${folder}/network' ] && case $3 in --format) echo ${SUBNET} ;; esac ;;
create) : >'${folder}/network' ;;
ls) [ -f '${folder}/volumes' ] && cat '${folder}/volumes' ;;
esac
`,
    0o755,
  )
})

export async function openssl(...args: readonly string[]): Promise<void> {
  await promisify(execFile)('openssl', [...args])
}

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export const prepare = (...args: string[]): Promise<Ran> => run(args)

export function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const path = [join(folder, 'bin'), process.env['PATH']].join(delimiter)
  return new Promise((resolve) => {
    const child = execFile(
      'sh',
      [join(folder, 'scripts/stack/prepare.sh'), ...args],
      { env: { PATH: path, ...env }, cwd: tmpdir() },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}

export async function find(tool: string): Promise<string> {
  for (const place of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(place, tool)
    if ((await stat(file).catch(() => undefined))?.isFile()) return file
  }
  throw new Error(`${tool} is not on PATH`)
}

export async function variables(): Promise<string[]> {
  const lines = (await read('.env')).split('\n')
  return lines.filter((line) => line !== '' && !line.startsWith('#'))
}

export async function everything(): Promise<Record<string, string>> {
  const entries = await readdir(join(folder, 'secrets'), { recursive: true, withFileTypes: true })
  const secrets = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
  const files = ['.env', ...secrets.toSorted()]
  return Object.fromEntries(await Promise.all(files.map(async (file) => [file, await read(file)])))
}

export async function secret(name: string): Promise<string> {
  return (await read(`secrets/${name}`)).trimEnd()
}

export async function modeOf(file: string): Promise<string> {
  return ((await stat(join(folder, file))).mode & 0o777).toString(8)
}

export function read(file: string): Promise<string> {
  return readFile(join(folder, file), 'utf8')
}

export async function write(file: string, text: string, mode = 0o644): Promise<void> {
  await mkdir(join(folder, file, '..'), { recursive: true })
  await writeFile(join(folder, file), text)
  await chmod(join(folder, file), mode)
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

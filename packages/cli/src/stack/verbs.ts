import { ServiceError } from '@usdcop/service/errors'
import { ChildFailed } from '../faults.ts'
import type { World } from '../world.ts'
import { Compose, type ComposeOptions, findCompose } from './compose.ts'
import { Docker } from './docker.ts'
import { describeChecks, failed } from './doctor/check.ts'
import { examine } from './doctor/examine.ts'
import { describeFailure, reasonOf } from './failure.ts'
import { readStackFolder } from './folder.ts'
import { addressesOf, OWN_PROFILES } from './published.ts'
import { describeStatus, statusOf } from './status.ts'
import { tableOf } from './table.ts'
import { type UpResult, up } from './up.ts'

export interface UpFlags {
  readonly profile?: string
  readonly images?: string
  readonly without?: string[]
  readonly build?: boolean
  /** Seconds. */
  readonly timeout: number
  readonly json?: true
}

/** Exits with 1, in words, when not everything is up. */
export async function runUp(flags: UpFlags, options: ComposeOptions, world: World): Promise<void> {
  const { stdout, stderr, signal } = world
  const { profile, images, without, build, timeout } = flags
  let result: UpResult
  try {
    result = await up(
      { ...options, profile, images, without, build, limitMs: timeout * 1_000 },
      world,
    )
  } catch (error) {
    if (signal.aborted) stderr.write(leftAsItIs)
    throw error
  }
  const { outcome, failures, folder, composeWords } = result
  const services = outcome.steps.map(({ service, step, state }) => ({ service, step, state }))
  const seconds = Math.round(outcome.elapsedMs / 100) / 10
  const upServices = outcome.steps.flatMap(({ service, step }) => (step === 'ready' ? service : []))
  const addresses = addressesOf(upServices, folder.settings)
  const isUp = outcome.end === 'up'
  if (flags.json)
    stdout.write(`${JSON.stringify({ up: isUp, seconds, services, addresses, failures })}\n`)
  if (!isUp) {
    if (outcome.end === 'compose-failed') stderr.write(`${composeWords}\n\n`)
    for (const failure of failures) stderr.write(`${describeFailure(failure)}\n`)
    throw new ServiceError(
      'not_ready',
      `${reasonOf(outcome, failures)}; what runs is left as it is (\`usdcop stack status\`)`,
    )
  }
  if (flags.json) return
  const rows = addresses.map(({ what, url, entry }) => [`  ${what}`, url, entry])
  stdout.write(`\n${services.length} services are up after ${seconds} s.\n\n`)
  if (rows.length > 0) stdout.write(`${tableOf(rows)}\n`)
  stdout.write('  `usdcop stack down` stops it; what it stored stays.\n')
}

const leftAsItIs =
  'Interrupted: containers stay as they are now. `usdcop stack status` shows them, ' +
  '`usdcop stack up` goes on, `usdcop stack down` takes them away.\n'

export async function runDown(
  { volumes }: { readonly volumes: boolean },
  options: ComposeOptions,
  world: World,
): Promise<void> {
  const { stderr, signal } = world
  const compose = await Compose.open(everyProfile(options), signal)
  const args = ['down', '--remove-orphans', ...(volumes ? ['--volumes'] : [])]
  try {
    const code = await compose.passThrough(args, { stdout: stderr, stderr }, signal)
    if (code !== 0) throw new ChildFailed(1)
  } catch (error) {
    if (signal.aborted)
      stderr.write('Interrupted: some containers may still be there; call `down` again.\n')
    throw error
  }
  stderr.write(
    volumes
      ? 'The stack is down and has forgotten everything. secrets/ and .env stay.\n'
      : 'The stack is down. What it stored stays; `down --volumes` removes that too.\n',
  )
}

export async function runStatus(
  { json }: { readonly json: boolean },
  { directory, env }: ComposeOptions,
  { stdout, signal }: World,
): Promise<void> {
  const { project } = await readStackFolder(directory, env)
  const docker = new Docker(directory, env)
  const containers = await docker.containers(project, signal)
  const services = statusOf(containers, await docker.memory(containers, signal))
  if (json) stdout.write(`${JSON.stringify(services)}\n`)
  else if (services.length === 0) stdout.write('Nothing is up; `usdcop stack up` starts it.\n')
  else stdout.write(describeStatus(services))
}

export interface LogsFlags {
  readonly services: readonly string[]
  readonly follow: boolean
  readonly tail: number | undefined
}

export async function runLogs(
  { services, follow, tail }: LogsFlags,
  options: ComposeOptions,
  { stdout, stderr, signal }: World,
): Promise<void> {
  const compose = await Compose.open(everyProfile(options), signal)
  const args = [
    'logs',
    ...(follow ? ['--follow'] : []),
    ...(tail === undefined ? [] : ['--tail', String(tail)]),
    ...services,
  ]
  try {
    if ((await compose.passThrough(args, { stdout, stderr }, signal)) !== 0)
      throw new ChildFailed(1)
  } catch (error) {
    // Ctrl-C is how somebody stops to follow.
    if (!(follow && signal.aborted)) throw error
  }
}

export async function runDoctor(
  { without, json }: { readonly without: readonly string[] | undefined; readonly json: boolean },
  options: ComposeOptions,
  { stdout, signal }: World,
): Promise<void> {
  const { directory, env } = options
  const folder = await readStackFolder(directory, env)
  const checks = await examine(
    {
      folder,
      docker: new Docker(directory, env),
      compose: await findCompose(options, signal),
      without: without ?? folder.settings.list('STACK_ABSENT'),
      askRegistry: true,
    },
    signal,
  )
  const faults = failed(checks).length
  stdout.write(json ? `${JSON.stringify(checks)}\n` : describeChecks(checks))
  if (faults > 0) throw new ServiceError('not_ready', `${faults} of ${checks.length} checks failed`)
}

/** What an earlier profile started is looked after too. */
function everyProfile(options: ComposeOptions): ComposeOptions {
  const profiles = Object.values(OWN_PROFILES).join(',')
  return { ...options, env: { ...options.env, COMPOSE_PROFILES: profiles } }
}

import { join } from 'node:path'
import { ServiceError } from '@usdcop/service/errors'
import { ChildFailed } from '../faults.ts'
import type { Output, World } from '../world.ts'
import { Compose, type ComposeOptions, findCompose } from './compose.ts'
import { Docker } from './docker.ts'
import { describeChecks, failed } from './doctor/check.ts'
import { examine, imageQuestion } from './doctor/examine.ts'
import { imageUses } from './doctor/images.ts'
import { type Failure, failuresOf } from './failure.ts'
import { readStackFolder, type StackFolder } from './folder.ts'
import { passThrough } from './process.ts'
import { OWN_PROFILES } from './published.ts'
import { createUpProgress } from './up-progress.ts'
import { type Outcome, watchUp } from './watch.ts'

export interface UpOptions extends ComposeOptions {
  readonly profile: string | undefined
  readonly images: string | undefined
  /** Services to leave out; what the images file names absent where nobody says. */
  readonly without: readonly string[] | undefined
  /** Undefined: build what is not there. */
  readonly build: boolean | undefined
  readonly limitMs: number
}

export interface UpResult {
  readonly outcome: Outcome
  readonly failures: readonly Failure[]
  readonly folder: StackFolder
  /** Where Compose itself failed, its last words. */
  readonly composeWords: string
}

/** Makes everything ready, starts the stack and waits until it is up, or it is known why not. */
export async function up(options: UpOptions, world: World): Promise<UpResult> {
  const { signal, stderr } = world
  const { directory, env } = options
  const docker = new Docker(directory, env)
  await prepare(options, docker, world)

  const folder = await readStackFolder(directory, env)
  const without = options.without ?? folder.settings.list('STACK_ABSENT')
  const command = await findCompose(options, signal)
  const patient = { folder, docker, compose: command, without, askRegistry: false }
  const checks = await examine(patient, signal)
  const faults = checks.filter(({ verdict }) => verdict !== 'ok')
  if (faults.length > 0) stderr.write(describeChecks(faults))
  if (failed(checks).length > 0)
    throw new ServiceError('not_ready', 'nothing was started (`usdcop stack doctor` looks again)')

  const profiles = folder.settings.list('COMPOSE_PROFILES')
  const compose = await Compose.open(
    { ...options, env: withProfiles(env, profiles, without) },
    signal,
  )
  await refuseUnknown(without, options, signal)
  const chosen = await compose.without(without)
  await fetchImages(options, patient, chosen, stderr, signal)

  const progress = createUpProgress(stderr)
  let composeWords = ''
  try {
    const outcome = await watchUp(
      {
        services: (await chosen.services(signal)).filter((service) => !without.includes(service)),
        before: await docker.containers(folder.project, signal),
        look: (until) => docker.containers(folder.project, until),
        async compose(until) {
          const {
            code,
            stdout,
            stderr: words,
          } = await chosen.ask(['up', '-d', '--no-build'], until)
          composeWords = lastLines(`${stdout}${words}`)
          return code
        },
        limitMs: options.limitMs,
        onSteps: (steps, elapsedMs) => progress.show(steps, elapsedMs),
      },
      signal,
    )
    const failures = outcome.end === 'up' ? [] : await failuresOf(outcome, docker, signal)
    return { outcome, failures, folder, composeWords }
  } finally {
    progress.stop()
  }
}

/** Compose's profiles without those that start a service that is left out. */
function withProfiles(
  env: NodeJS.ProcessEnv,
  profiles: readonly string[],
  without: readonly string[],
): NodeJS.ProcessEnv {
  const unwanted = without.map((service) => OWN_PROFILES[service])
  const wanted = profiles.filter((profile) => !unwanted.includes(profile))
  return { ...env, COMPOSE_PROFILES: wanted.join(',') }
}

/** An override for a service that is not there would make one. */
async function refuseUnknown(
  without: readonly string[],
  options: UpOptions,
  signal: AbortSignal,
): Promise<void> {
  const everything = { ...options.env, COMPOSE_PROFILES: Object.values(OWN_PROFILES).join(',') }
  const compose = await Compose.open({ ...options, env: everything }, signal)
  const services = await compose.services(signal)
  const unknown = without.filter((service) => !services.includes(service))
  if (unknown.length > 0)
    throw new ServiceError(
      'invalid_request',
      `there is no service ${unknown.join(', ')} to leave out; there are ${services.toSorted().join(', ')}`,
    )
}

/** Codes of prepare.sh: all but the network is ready. The doctor then says what Docker lacks. */
const ONLY_NETWORK_MISSING = 3

async function prepare(
  { directory, env, profile, images }: UpOptions,
  docker: Docker,
  { signal, stderr }: World,
): Promise<void> {
  const { project } = await readStackFolder(directory, env)
  // A demo on empty stores begins now: its clock may have run out long ago.
  const volumes = await docker.hasVolumes(project, signal).catch((error: unknown) => {
    if (error instanceof ServiceError) return true
    throw error
  })
  const args = [
    join(directory, 'scripts/stack/prepare.sh'),
    ...(volumes ? [] : ['--restart-clock']),
    ...(profile === undefined ? [] : [profile]),
  ]
  const code = await passThrough(
    {
      command: 'sh',
      args,
      cwd: directory,
      env: { ...env, ...(images !== undefined && { IMAGES_FILE: images }) },
    },
    { stdout: stderr, stderr },
    signal,
  )
  if (code !== 0 && code !== ONLY_NETWORK_MISSING) throw new ChildFailed(1)
}

/** Pulls and builds with their own words on show: either may take minutes, and is no waiting for health. */
async function fetchImages(
  { build, directory, env }: UpOptions,
  patient: Parameters<typeof imageQuestion>[0],
  compose: Compose,
  stderr: Output,
  signal: AbortSignal,
): Promise<void> {
  const uses = await imageUses(await imageQuestion(patient), signal)
  const outputs = { stdout: stderr, stderr }
  for (const { image } of uses.filter(({ here, ours }) => !here && !ours)) {
    const program = { command: 'docker', args: ['pull', image], cwd: directory, env }
    if ((await passThrough(program, outputs, signal)) !== 0)
      throw new ServiceError('not_ready', `${image} is not here and could not be pulled`)
  }
  const missing = uses.some(({ here, ours }) => !here && ours)
  if (build === true || (build === undefined && missing)) {
    if ((await compose.passThrough(['build'], outputs, signal)) !== 0)
      throw new ServiceError('not_ready', 'our images could not be built')
  }
}

const WORDS_KEPT = 20

function lastLines(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.slice(-WORDS_KEPT).join('\n')
}

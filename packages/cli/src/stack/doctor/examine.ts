import { X509Certificate } from 'node:crypto'
import { stat, statfs } from 'node:fs/promises'
import { freemem } from 'node:os'
import { join, resolve } from 'node:path'
import { ServiceError } from '@usdcop/service/errors'
import { z } from 'zod'
import type { ComposeCommand } from '../compose.ts'
import type { Container } from '../container.ts'
import { type Docker, isMissing } from '../docker.ts'
import { parseEnvironment } from '../environment.ts'
import { readComposeNames, type StackFolder, sourcesOf, textOf } from '../folder.ts'
import { PUBLISHED } from '../published.ts'
import type { Check } from './check.ts'
import {
  judgeCertificates,
  judgeEnvironment,
  judgeImages,
  judgeNetwork,
  judgeSecrets,
  judgeVaultTls,
} from './files.ts'
import { type ImageQuestion, imageUses } from './images.ts'
import {
  type EngineAnswer,
  judgeCompose,
  judgeDisk,
  judgeEngine,
  judgeLimits,
  judgeMemory,
  judgePorts,
} from './machine.ts'
import { portUses } from './ports.ts'

const NETWORK = 'usdcop-trading-network'
/** Written for people: no container mounts them. */
const FOR_PEOPLE = ['reader_key', 'operator_key']

export interface Patient {
  readonly folder: StackFolder
  readonly docker: Docker
  readonly compose: ComposeCommand | undefined
  /** Services that are not to come up. */
  readonly without: readonly string[]
  /** Whether registries are asked for what is not here; `up` just pulls. */
  readonly askRegistry: boolean
}

/** Looks at everything the stack needs. Without an engine, at what can be seen without one. */
export async function examine(patient: Patient, signal: AbortSignal): Promise<readonly Check[]> {
  const { folder, docker, compose } = patient
  const files = [
    await environment(folder),
    await secrets(folder),
    ...(await certificates(folder)),
    ...(await vaultTls(folder, patient.without)),
  ]
  const engine = await askEngine(docker, signal)
  const first = [judgeEngine(engine), judgeCompose(compose?.version)]
  if ('fault' in engine) return [...first, ...files]
  const own = await docker.containers(folder.project, signal)
  const network = await docker.ask(['network', 'inspect', NETWORK], signal)
  return [
    ...first,
    ...(await machine(patient, own, signal)),
    ...(await ports(patient, own, signal)),
    judgeNetwork(NETWORK, network.code === 0),
    ...files,
    judgeImages(await imageUses(await imageQuestion(patient), signal)),
  ]
}

const Version = z.object({ Server: z.object({ Version: z.string() }).nullable() })

async function askEngine(docker: Docker, signal: AbortSignal): Promise<EngineAnswer> {
  try {
    const { stdout, stderr } = await docker.ask(['version', '--format', '{{json .}}'], signal)
    const { Server } = Version.parse(JSON.parse(stdout.trim() || '{"Server":null}'))
    return Server === null ? { fault: stderr.trim() } : { version: Server.Version }
  } catch (error) {
    if (error instanceof ServiceError) return { fault: error.message }
    throw error
  }
}

const Info = z.object({
  MemTotal: z.number(),
  DockerRootDir: z.string(),
  MemoryLimit: z.boolean(),
  CpuCfsQuota: z.boolean(),
  PidsLimit: z.boolean(),
})

async function machine(
  { folder, docker }: Patient,
  own: readonly Container[],
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const text = await docker.read(['info', '--format', '{{json .}}'], signal)
  const info = Info.parse(JSON.parse(text))
  return [
    judgeMemory({
      totalBytes: info.MemTotal,
      availableBytes: Math.min(freemem(), info.MemTotal),
      stackRuns: own.some(({ state }) => state === 'running'),
    }),
    judgeDisk(await diskOf(info.DockerRootDir, folder.directory)),
    judgeLimits({
      memory: info.MemoryLimit,
      cpu: info.CpuCfsQuota,
      processes: info.PidsLimit,
    }),
  ]
}

/** An engine in a virtual machine has its folder there; then our own folder's disk is asked. */
async function diskOf(path: string, other: string): Promise<{ path: string; freeBytes: number }> {
  const seen = (await stat(path).catch(() => undefined)) === undefined ? other : path
  const { bavail, bsize } = await statfs(seen)
  return { path: seen, freeBytes: bavail * bsize }
}

async function ports(
  { folder, docker, without }: Patient,
  own: readonly Container[],
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const listing = await docker.read(['ps', '--format', '{{.Names}}\t{{.Ports}}'], signal)
  const uses = await portUses({
    published: PUBLISHED.filter(({ service }) => !without.includes(service)),
    portOf: ({ variable, port }) => Number(folder.settings.get(variable) ?? port),
    own,
    listing,
  })
  return judgePorts(uses)
}

async function environment({ directory, envText }: StackFolder): Promise<Check> {
  const sources = sourcesOf(envText ?? '')
  const texts = await Promise.all(sources.map((file) => textOf(resolve(directory, file))))
  return judgeEnvironment({
    variables: envText === undefined ? undefined : parseEnvironment(envText),
    expected: parseEnvironment(texts.join('\n')),
    own: new Set(parseEnvironment(envText?.split(/^# yours.*$/m)[1] ?? '').keys()),
    missingSources: sources.filter((_, index) => texts[index] === undefined),
  })
}

async function secrets({ directory }: StackFolder): Promise<Check> {
  const names = [...(await readComposeNames(directory)).secrets, ...FOR_PEOPLE]
  const files = names.map(async (name) => ({
    name,
    mode: await modeOf(join(directory, 'secrets', name)),
  }))
  return judgeSecrets({
    folderMode: await modeOf(join(directory, 'secrets')),
    files: await Promise.all(files),
  })
}

/** Those of secrets/tls; what is missing there is said with the secrets. */
async function certificates({ directory }: StackFolder): Promise<readonly Check[]> {
  const names = (await readComposeNames(directory)).secrets.filter((name) => name.endsWith('.crt'))
  const texts = await Promise.all(names.map((name) => textOf(join(directory, 'secrets', name))))
  const found = names.flatMap((name, index) => {
    const text = texts[index]
    return text === undefined ? [] : { name, endsAt: new X509Certificate(text).validToDate }
  })
  return found.length === 0 ? [] : [judgeCertificates(found, new Date())]
}

const TLS_FILES = ['ca.crt', 'tls.crt', 'tls.key']

/** Asked where VAULT_TLS is a folder; a bare word is the name of a volume. */
async function vaultTls(
  { directory, settings }: StackFolder,
  without: readonly string[],
): Promise<readonly Check[]> {
  const folder = settings.get('VAULT_TLS')
  if (folder === undefined || !/^[./]/.test(folder) || without.includes('vault')) return []
  const modes = await Promise.all(TLS_FILES.map((file) => modeOf(resolve(directory, folder, file))))
  return [
    judgeVaultTls(
      folder,
      TLS_FILES.filter((_, index) => modes[index] === undefined),
    ),
  ]
}

async function modeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mode & 0o777
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

export async function imageQuestion({
  folder,
  docker,
  without,
  askRegistry,
}: Omit<Patient, 'compose'>): Promise<ImageQuestion> {
  const { built } = await readComposeNames(folder.directory)
  const version = folder.settings.get('USDCOP_VERSION') ?? '0.1.0'
  return {
    named: folder.settings.images(),
    built: built.map((image) => `${image}:${version}`),
    without,
    docker,
    askRegistry,
  }
}

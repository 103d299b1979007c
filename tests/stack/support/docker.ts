import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { z } from 'zod'
import { given } from './given.ts'

const SERVICE_LABEL = 'com.docker.compose.service'
const OUTPUT_BYTES = 64 * 1024 * 1024

/** What `docker inspect` says of a container, as far as the ring looks at it. */
const Inspected = z.object({
  Id: z.string(),
  Path: z.string(),
  Args: z.array(z.string()),
  Image: z.string(),
  State: z.object({
    Status: z.string(),
    ExitCode: z.number(),
    OOMKilled: z.boolean(),
    StartedAt: z.string(),
    Health: z
      .object({ Status: z.string(), Log: z.array(z.object({ Output: z.string() })).nullish() })
      .optional(),
  }),
  Config: z.object({
    Image: z.string(),
    User: z.string(),
    Env: z.array(z.string()).nullable(),
    Labels: z.record(z.string(), z.string()),
  }),
  HostConfig: z.object({
    Privileged: z.boolean(),
    ReadonlyRootfs: z.boolean(),
    CapAdd: z.array(z.string()).nullable(),
    CapDrop: z.array(z.string()).nullable(),
    SecurityOpt: z.array(z.string()).nullable(),
    Memory: z.number(),
    PidsLimit: z.number().nullable(),
    LogConfig: z.object({ Type: z.string(), Config: z.record(z.string(), z.string()) }),
    PortBindings: z
      .record(
        z.string(),
        z.array(z.object({ HostIp: z.string(), HostPort: z.string() })).nullable(),
      )
      .nullable(),
    Tmpfs: z.record(z.string(), z.string()).nullish(),
  }),
  Mounts: z.array(
    z.object({
      Type: z.string(),
      Source: z.string().optional(),
      Destination: z.string(),
      RW: z.boolean(),
    }),
  ),
})
export type Container = z.output<typeof Inspected> & { readonly service: string }

/** Standard output of a docker command; a failed one throws with what it said. */
export async function docker(args: readonly string[], signal: AbortSignal): Promise<string> {
  return (await runDocker(args, '', signal)).stdout
}

/** What a container has written, to both of its streams; of a long log the newest lines. */
export async function logOf({ Id }: Container, signal: AbortSignal): Promise<string> {
  const { stdout, stderr } = await runDocker(['logs', '--tail', '20000', Id], '', signal)
  return stdout + stderr
}

async function runDocker(
  args: readonly string[],
  input: string,
  signal: AbortSignal,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const running = promisify(execFile)('docker', args, { signal, maxBuffer: OUTPUT_BYTES })
  // A command that reads nothing may have ended before it is written to; its exit says how it went.
  running.child.stdin?.on('error', () => {}).end(input)
  try {
    return await running
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string }
    // Not the whole command line, which may hold a program.
    throw new Error(`docker ${args.slice(0, 3).join(' ')} failed: ${stderr.trim()}`, { cause })
  }
}

/** Every container of the project, running or not, by the name of its compose service. */
export async function projectContainers(signal: AbortSignal): Promise<readonly Container[]> {
  const label = `label=com.docker.compose.project=${given.project}`
  const ids = (await docker(['ps', '--all', '--quiet', '--filter', label], signal))
    .split('\n')
    .filter((id) => id !== '')
  if (ids.length === 0) throw new Error(`no container carries ${label}`)
  const inspected = z.array(Inspected).parse(JSON.parse(await docker(['inspect', ...ids], signal)))
  return inspected
    .map((container) => ({ ...container, service: container.Config.Labels[SERVICE_LABEL] ?? '' }))
    .sort((a, b) => a.service.localeCompare(b.service))
}

export async function containerOf(service: string, signal: AbortSignal): Promise<Container> {
  const found = (await projectContainers(signal)).find((one) => one.service === service)
  if (found === undefined) throw new Error(`no container of ${service} in ${given.project}`)
  return found
}

/** Throws unless the container runs and, where it declares a health check, is healthy. */
export function assertWell({ service, State: { Status, Health } }: Container): void {
  if (Status !== 'running') throw new Error(`${service} is ${Status}`)
  if (Health === undefined || Health.Status === 'healthy') return
  const said = Health.Log?.at(-1)?.Output.trim() ?? 'not checked yet'
  throw new Error(`${service} is ${Health.Status}: ${said.slice(0, 300)}`)
}

/**
 * Runs a program of ours inside a container, in the container's own Node. What it is given goes over
 * standard input: arguments could be read by whoever lists the processes.
 */
export async function runNodeInside<T>(
  { Id }: Container,
  program: string,
  input: unknown,
  signal: AbortSignal,
): Promise<T> {
  const args = ['exec', '-i', Id, 'node', '--input-type=module', '-e', program]
  const { stdout } = await runDocker(args, JSON.stringify(input), signal)
  return JSON.parse(stdout) as T
}

import { sayBytes } from '../container.ts'
import type { Check } from './check.ts'

// What the machine is like: judgements only. docs/stack.md says where the bounds come from.

const GIB = 1024 ** 3
const MEMORY_NEEDED = 6 * GIB
const MEMORY_LEAST = 4 * GIB
const DISK_WANTED = 10 * GIB
const DISK_LEAST = 2 * GIB

export type EngineAnswer = { readonly version: string } | { readonly fault: string }

export function judgeEngine(engine: EngineAnswer): Check {
  const name = 'docker'
  if ('fault' in engine) return { name, verdict: 'fail', says: engine.fault, ...engineFix(engine) }
  const { version } = engine
  if (isOlder(version, [20, 10]))
    return {
      name,
      verdict: 'fail',
      says: `engine ${version}; 20.10 or newer is needed`,
      fix: 'install a newer Docker engine',
    }
  return { name, verdict: 'ok', says: `engine ${version}` }
}

function engineFix({ fault }: { readonly fault: string }): { fix: string } {
  if (/permission denied/i.test(fault))
    return { fix: 'join the group `docker` and log in again, or call this through sudo' }
  if (/not installed/.test(fault)) return { fix: 'install Docker: https://docs.docker.com/engine/' }
  return { fix: 'start the engine (`sudo systemctl start docker`), or see DOCKER_HOST' }
}

/** @param version as Compose prints it, undefined where there is none */
export function judgeCompose(version: string | undefined): Check {
  const name = 'compose'
  const tried = '1.29.2 and 5.6.0 are known to work'
  if (version === undefined)
    return {
      name,
      verdict: 'fail',
      says: 'neither `docker compose` nor `docker-compose` answers',
      fix: 'install the Compose plugin, or give one with --compose or USDCOP_COMPOSE',
    }
  if (!/^\d+\.\d+/.test(version))
    return { name, verdict: 'warn', says: `a build that calls itself ${version}; ${tried}` }
  if (isOlder(version, [1, 29]))
    return {
      name,
      verdict: 'fail',
      says: `${version} knows no profiles and no conditions; ${tried}`,
      fix: 'install a newer Compose',
    }
  if (!isOlder(version, [2, 0]) && isOlder(version, [2, 20]))
    return { name, verdict: 'warn', says: `${version} is old; ${tried}`, fix: 'update Compose' }
  return { name, verdict: 'ok', says: version }
}

export interface Memory {
  readonly totalBytes: number
  readonly availableBytes: number
  /** The stack is up and has its share already. */
  readonly stackRuns: boolean
}

export function judgeMemory({ totalBytes, availableBytes, stackRuns }: Memory): Check {
  const name = 'memory'
  const fix = 'close something, or leave services out: --without mlflow,grafana'
  if (totalBytes < MEMORY_LEAST)
    return {
      name,
      verdict: 'fail',
      says: `${sayBytes(totalBytes)} in all; the stack needs about ${sayBytes(MEMORY_NEEDED)}`,
      fix: 'give Docker more memory',
    }
  const says = `${sayBytes(availableBytes)} available`
  if (stackRuns) return { name, verdict: 'ok', says: `${says} beside the running stack` }
  if (availableBytes < MEMORY_NEEDED)
    return { name, verdict: 'warn', says: `${says}; about 6 GiB are needed`, fix }
  return { name, verdict: 'ok', says }
}

export interface Disk {
  readonly path: string
  readonly freeBytes: number
}

export function judgeDisk({ path, freeBytes }: Disk): Check {
  const name = 'disk'
  const says = `${sayBytes(freeBytes)} free in ${path}`
  const fix = 'make room; `docker system df` shows what Docker holds'
  if (freeBytes < DISK_LEAST) return { name, verdict: 'fail', says, fix }
  if (freeBytes < DISK_WANTED)
    return { name, verdict: 'warn', says: `${says}; images and data want 10 GiB`, fix }
  return { name, verdict: 'ok', says }
}

/** What `docker info` says the kernel can hold containers to. */
export interface Limits {
  readonly memory: boolean
  readonly cpu: boolean
  readonly processes: boolean
}

export function judgeLimits(limits: Limits): Check {
  const name = 'limits'
  const missing = Object.entries(limits).flatMap(([kind, enforced]) => (enforced ? [] : [kind]))
  if (missing.length === 0)
    return { name, verdict: 'ok', says: 'memory, CPU and process limits are enforced' }
  return {
    name,
    verdict: 'warn',
    says: `the kernel enforces no limit of: ${missing.join(', ')}`,
    fix: 'enable the cgroup controllers, e.g. cgroup_enable=memory on the kernel command line',
  }
}

/** A port on loopback, and who has it: nobody, the stack itself, or somebody in words. */
export interface PortUse {
  readonly port: number
  readonly service: string
  readonly variable: string
  readonly heldBy: 'nobody' | 'stack' | { readonly other: string }
}

/** One check when all is well, else one for each port that is taken. */
export function judgePorts(uses: readonly PortUse[]): readonly Check[] {
  const taken = uses.flatMap(({ heldBy, port, service, variable }): Check[] =>
    typeof heldBy === 'string'
      ? []
      : [
          {
            name: `port ${port}`,
            verdict: 'fail',
            says: `wanted for ${service}, held by ${heldBy.other}`,
            fix: `end that, or set ${variable}=… below "# yours" in .env`,
          },
        ],
  )
  if (taken.length > 0) return taken
  const own = uses.filter(({ heldBy }) => heldBy === 'stack').length
  const free = uses.length - own
  const says = [free > 0 ? `${free} free` : '', own > 0 ? `${own} held by this stack` : '']
  return [{ name: 'ports', verdict: 'ok', says: says.filter((part) => part !== '').join(', ') }]
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  return ownMajor < major || (ownMajor === major && ownMinor < minor)
}

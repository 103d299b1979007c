import { isDeepStrictEqual } from 'node:util'
import { type ComposeService, composeServices, isOurs } from './compose.ts'
import { environmentOf } from './environment.ts'
import type { Files } from './files.ts'

/** Keys that a service may have. What is not here, `privileged` or `pid` say, nobody has judged. */
const KNOWN_KEYS = [
  'build',
  'cap_add',
  'cap_drop',
  'command',
  'cpus',
  'depends_on',
  'entrypoint',
  'environment',
  'healthcheck',
  'image',
  'init',
  'logging',
  'mem_limit',
  'networks',
  'pids_limit',
  'ports',
  'profiles',
  'read_only',
  'restart',
  'secrets',
  'security_opt',
  'shm_size',
  'stop_grace_period',
  'tmpfs',
  'ulimits',
  'user',
  'volumes',
  'working_dir',
]

const LOGGING = {
  driver: 'json-file',
  options: { 'max-size': '10m', 'max-file': '3', labels: 'com.docker.compose.service' },
}

/** Every capability that is added, and why. */
export const ADDED_CAPABILITIES: Readonly<Record<string, string>> = {
  'vault IPC_LOCK': 'its binary carries the capability and is not run without it in reach',
  'vault-init IPC_LOCK': 'the same binary',
  'alloy DAC_READ_SEARCH': "Docker's log folders belong to root and are closed to others",
}

/** Every service that runs as root in its container, and why. */
export const ROOT_USERS: Readonly<Record<string, string>> = {
  alloy: "Docker's log folders belong to root",
  mlflow: 'its image has no other user that owns the folder of artifacts',
}

const OUR_USER = '65532:65532'

/** What every container is denied, and what it is limited to. */
export function hardeningFindings(files: Files): string[] {
  const services = composeServices(files, environmentOf(files))
  return [...services.flatMap(serviceFindings), ...staleExceptions(services)]
}

function serviceFindings(service: ComposeService): string[] {
  const { name } = service
  const rules: readonly (readonly [boolean, string])[] = [
    [service['read_only'] === true, 'has a root file system that can be written'],
    [isDeepStrictEqual(service['cap_drop'], ['ALL']), 'keeps capabilities'],
    [
      isDeepStrictEqual(service['security_opt'], ['no-new-privileges:true']),
      'may gain new privileges',
    ],
    [/^\d+m$/.test(String(service['mem_limit'])), 'has no memory limit in MiB'],
    [Number(service['cpus']) > 0, 'has no limit of processors'],
    [Number(service['pids_limit']) > 0, 'has no limit of processes'],
    [isDeepStrictEqual(service['logging'], LOGGING), 'logs otherwise than the log shipper reads'],
    [
      ['unless-stopped', 'on-failure'].includes(String(service['restart'])),
      'does not come back after a crash',
    ],
    [!isRoot(service) || name in ROOT_USERS, 'runs as root'],
    [!isOurs(service) || service.user === OUR_USER, `is ours and does not run as ${OUR_USER}`],
    [!isOurs(service) || service['init'] === true, 'is ours and has no init'],
    [
      !isOurs(service) || service['stop_grace_period'] !== undefined,
      'is ours and does not say how long it may take to stop',
    ],
    [!/(:latest|\/[^:]+|^[^:/]+)$/.test(service.image), `runs ${service.image}, which can change`],
    [
      !service.volumes.some((volume) => JSON.stringify(volume).includes('docker.sock')),
      "mounts Docker's socket",
    ],
  ]
  return [
    ...rules.flatMap(([holds, fault]) => (holds ? [] : `${name} ${fault}`)),
    ...Object.keys(service)
      .filter((key) => !['name', 'file', ...KNOWN_KEYS].includes(key))
      .map((key) => `${name} has ${key}, which is not among the keys a service may have`),
    ...addedCapabilities(service)
      .filter((added) => !(added in ADDED_CAPABILITIES))
      .map((added) => `${added} is added without a reason`),
  ]
}

function isRoot({ user }: ComposeService): boolean {
  return user === undefined || /^(0|root)(:|$)/.test(user)
}

function addedCapabilities(service: ComposeService): string[] {
  const added = (service['cap_add'] ?? []) as string[]
  return added.map((capability) => `${service.name} ${capability}`)
}

/** A reason that nothing needs any more would cover the next one who comes. */
function staleExceptions(services: readonly ComposeService[]): string[] {
  const added = services.flatMap(addedCapabilities)
  const root = services.filter(isRoot).map(({ name }) => name)
  return [
    ...Object.keys(ADDED_CAPABILITIES).filter((one) => !added.includes(one)),
    ...Object.keys(ROOT_USERS).filter((one) => !root.includes(one)),
  ].map((one) => `${one} is excepted, and needs no exception`)
}

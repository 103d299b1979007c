import type { Check } from './check.ts'

// What lies around the compose files, and the images and the network they name: judgements only.

const PREPARE = 'scripts/stack/prepare.sh makes it; `usdcop stack up` runs that'

/** @param exists undefined where nobody could be asked */
export function judgeNetwork(network: string, exists: boolean): Check {
  const name = 'network'
  if (exists) return { name, verdict: 'ok', says: network }
  return { name, verdict: 'fail', says: `${network} does not exist`, fix: PREPARE }
}

/** When the demo began, and where the stack's containers speak from. */
const SET_BY_PREPARE = ['CLOCK_WALL_START', 'STACK_SUBNET']

export interface EnvironmentFile {
  /** Undefined where there is no .env. */
  readonly variables: ReadonlyMap<string, string> | undefined
  /** Of the files it is made from. */
  readonly expected: ReadonlyMap<string, string>
  /** Names set below `# yours`, which may differ. */
  readonly own: ReadonlySet<string>
  /** Files it is made from that are not there. */
  readonly missingSources: readonly string[]
}

export function judgeEnvironment(file: EnvironmentFile): Check {
  const name = '.env'
  const { variables, expected, own, missingSources } = file
  if (variables === undefined) return { name, verdict: 'fail', says: 'there is none', fix: PREPARE }
  if (missingSources.length > 0)
    return {
      name,
      verdict: 'fail',
      says: `made from ${missingSources.join(', ')}, which is not there`,
      fix: 'bring it back, or name another: usdcop stack up --profile … --images …',
    }
  const missing = [...expected.keys()].filter((variable) => !variables.has(variable))
  const differing = [...expected].flatMap(([variable, value]) => {
    const has = variables.get(variable)
    const free = SET_BY_PREPARE.includes(variable) || own.has(variable)
    return has === undefined || has === value || free ? [] : [variable]
  })
  const says = [
    missing.length === 0 ? '' : `lacks ${missing.join(', ')}`,
    differing.length === 0 ? '' : `has another value than its sources for ${differing.join(', ')}`,
  ].filter((part) => part !== '')
  if (says.length === 0)
    return { name, verdict: 'ok', says: `${variables.size} variables, up to date` }
  return {
    name,
    verdict: 'warn',
    says: says.join('; '),
    fix: 'scripts/stack/prepare.sh writes it again and keeps what stands below "# yours"',
  }
}

/** Modes as `stat` gives them, the lowest nine bits; undefined for what is not there. */
export interface SecretFiles {
  readonly folderMode: number | undefined
  readonly files: readonly { readonly name: string; readonly mode: number | undefined }[]
}

export function judgeSecrets({ folderMode, files }: SecretFiles): Check {
  const name = 'secrets'
  if (folderMode === undefined)
    return { name, verdict: 'fail', says: 'there is no secrets/', fix: PREPARE }
  const missing = files.filter(({ mode }) => mode === undefined).map((file) => file.name)
  if (missing.length > 0)
    return { name, verdict: 'fail', says: `secrets/ lacks ${missing.join(', ')}`, fix: PREPARE }
  const closed = files.filter(({ mode = 0 }) => (mode & 0o444) !== 0o444).map((file) => file.name)
  const fix = 'scripts/stack/prepare.sh sets the modes right'
  if (closed.length > 0)
    return {
      name,
      verdict: 'fail',
      says: `containers cannot read ${closed.map((file) => `secrets/${file}`).join(', ')}`,
      fix,
    }
  if ((folderMode & 0o077) !== 0)
    return {
      name,
      verdict: 'warn',
      says: `everybody on this machine can look into secrets/ (mode ${folderMode.toString(8)})`,
      fix,
    }
  return { name, verdict: 'ok', says: `${files.length} files` }
}

const SOON_DAYS = 30
const DAY_MS = 86_400_000

/** @param certificates of secrets/tls that are there, with the instant at which each ends */
export function judgeCertificates(
  certificates: readonly { readonly name: string; readonly endsAt: Date }[],
  now: Date,
): Check {
  const name = 'certificates'
  const fix = 'scripts/stack/prepare.sh --renew-certificates; for Vault’s see docs/stack.md'
  const days = certificates.map((one) => ({
    ...one,
    days: Math.floor((one.endsAt.getTime() - now.getTime()) / DAY_MS),
  }))
  const ended = days.filter((one) => one.endsAt <= now)
  const soon = days.filter((one) => one.days < SOON_DAYS && !ended.includes(one))
  const list = (some: typeof days) => some.map((one) => one.name).join(', ')
  if (ended.length > 0) return { name, verdict: 'fail', says: `${list(ended)} has ended`, fix }
  if (soon.length > 0)
    return {
      name,
      verdict: 'warn',
      says: `${list(soon)} ends in ${Math.min(...soon.map((one) => one.days))} days`,
      fix,
    }
  return {
    name,
    verdict: 'ok',
    says: `${days.length} good for ${Math.min(...days.map((one) => one.days))} days and more`,
  }
}

/**
 * What Vault needs beside secrets/ once it runs behind TLS.
 * @param folder as VAULT_TLS gives it; @param missing its files that are not there
 */
export function judgeVaultTls(folder: string, missing: readonly string[]): Check {
  const name = 'vault tls'
  if (missing.length === 0) return { name, verdict: 'ok', says: folder }
  return {
    name,
    verdict: 'fail',
    says: `${folder} lacks ${missing.join(', ')}`,
    fix: 'make a certificate for `vault` and 127.0.0.1: docs/stack.md says how',
  }
}

export interface ImageUse {
  readonly image: string
  /** Made here, of docker/Dockerfile. */
  readonly ours: boolean
  readonly here: boolean
  /** A registry has it; undefined where none was asked. */
  readonly pullable: boolean | undefined
}

export function judgeImages(uses: readonly ImageUse[]): Check {
  const name = 'images'
  const absent = uses.filter(({ here }) => !here)
  const lost = absent.filter(({ ours, pullable }) => !ours && pullable === false)
  if (lost.length > 0)
    return {
      name,
      verdict: 'fail',
      says: `neither here nor to be pulled: ${lost.map(({ image }) => image).join(', ')}`,
      fix: 'reach a registry; or docker/standin/build.sh and `stack up --images images.standin.env`',
    }
  const pulls = absent.filter(({ ours }) => !ours).map(({ image }) => image)
  const builds = absent.filter(({ ours }) => ours).map(({ image }) => image)
  const says = [
    `${uses.length - absent.length} here`,
    ...(pulls.length === 0 ? [] : [`\`stack up\` pulls ${pulls.join(', ')}`]),
    ...(builds.length === 0 ? [] : [`\`stack up\` builds ${builds.join(', ')}`]),
  ]
  return { name, verdict: absent.length === 0 ? 'ok' : 'warn', says: says.join('; ') }
}

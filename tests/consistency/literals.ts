import { variablesOf } from './environment.ts'
import type { Files } from './files.ts'

interface Rule {
  readonly what: string
  readonly pattern: RegExp
  /** Where it is looked for; everywhere unless said. */
  readonly in?: RegExp
  /** True for what only looks like it. */
  readonly harmless?: (found: string) => boolean
}

/** Files that a program reads as settings; in code a name and a value are seldom a secret. */
const SETTINGS = /(\.(ya?ml|env|conf|hcl|sh|json|alloy|toml)|\.env\.infrastructure|Dockerfile)$/

const RULES: readonly Rule[] = [
  { what: 'a private key', pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----/g },
  { what: 'a token of Vault', pattern: /\bhv[sbr]\.[\w-]{20,}/g },
  { what: 'a webhook of Slack', pattern: /hooks\.slack\.com\/services\/T\w+\/B\w+\/\w+/g },
  { what: 'a token of Slack', pattern: /\bxox[abprs]-[\w-]{10,}/g },
  { what: 'a token of GitHub', pattern: /\bgh[oprsu]_\w{30,}/g },
  { what: 'a key of AWS', pattern: /\bAKIA[0-9A-Z]{16}\b/g },
  { what: 'a JSON Web Token', pattern: /\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+/g },
  { what: 'a password in a URL', pattern: /:\/\/[^\s:/@'"`]*:[^\s/@'"`$*[]{4,}@/g },
  {
    what: 'a value that nobody could guess',
    pattern: /[\w+=-]{20,}/g,
    harmless: (found) => !isRandom(found),
  },
  {
    what: 'a secret beside its name',
    pattern:
      /^(?!\s*(?:#|\/\/)).*(?:password|passwd|secret|token|api[-_]?key|private[-_]?key|credentials?)["']?(?::|[ \t]*=)[ \t]*["']?[^\s"'$/{[%(.)\\]{4,}/gim,
    in: SETTINGS,
    harmless: (found) => /(?:^|[\s"'])(?:true|false|null)$/.test(found),
  },
]

/** Findings that are no secret: by path, the value or a beginning of it, and why. */
interface Allowed {
  readonly in: RegExp
  readonly value: RegExp
  readonly why: string
}

export const ALLOWED: readonly Allowed[] = [
  { in: /\.ts$/, value: /hunter2/, why: 'the password of every example' },
  { in: /^models\/.*\.json$/, value: /^[0-9a-f]{64}$/, why: 'digests of the model' },
  { in: /policy\.manifest\.json$/, value: /^[0-9a-f]{64}$/, why: "digest of a test's model" },
  { in: /canonical\.test\.ts$/, value: /^[0-9a-f]{64}$/, why: 'digest of the contract' },
  { in: /captured\/.*\.json$/, value: /^[0-9a-f]{64}$/, why: 'ids of containers that are gone' },
  { in: /^tests\/golden\/feast\.json$/, value: /^[0-9a-f]+$/, why: 'rows of Redis as bytes' },
  {
    in: /\.test\.ts$/,
    value: /^0af7651916cd43dd/,
    why: "W3C's example of a trace",
  },
  { in: /\.(ts|sh)$/, value: /\{\{password\}\}/, why: 'what Vault puts a password into' },
  {
    in: /^docker-compose.*\.yml$/,
    value: /_SECRET: (?:trading|services)$/,
    why: 'where in Vault a secret lies',
  },
  {
    in: /profiles\/(dev|demo)\.env$/,
    value: /^VAULT_DEV_TOKEN=devtoken$/,
    why: 'a Vault in memory',
  },
]

/** Where the development token may be named. */
const DEV_TOKEN_PLACES: readonly RegExp[] = [
  /^config\/profiles\/(dev|demo)\.env$/,
  /\.md$/,
  /^tests\/(stack|consistency)\//,
]

/** Nothing that looks like a secret stands in the repository, but for what is allowed with a reason. */
export function literalFindings(files: Files): string[] {
  const used = new Set<Allowed>()
  const found = textFiles(files).flatMap(({ path, text }) =>
    matchesIn(path, text).flatMap(({ what, value, line }) => {
      const allowed = ALLOWED.find((one) => one.in.test(path) && one.value.test(value))
      if (allowed === undefined) return `${path}:${line} holds ${what}`
      used.add(allowed)
      return []
    }),
  )
  const stale = ALLOWED.filter((one) => !used.has(one))
  return [
    ...found,
    ...stale.map(({ why }) => `nothing needs the exception for ${why}`),
    ...devToken(files),
    ...files.paths
      .filter((path) => /^(secrets\/|\.env$)/.test(path))
      .map((path) => `${path} is in the repository`),
  ]
}

function devToken(files: Files): string[] {
  const production = variablesOf(files, 'config/profiles/production.env')['VAULT_DEV_TOKEN']
  return [
    ...textFiles(files)
      .filter(({ text }) => text.includes('devtoken'))
      .filter(({ path }) => !DEV_TOKEN_PLACES.some((place) => place.test(path)))
      .map(({ path }) => `${path} knows the development token`),
    ...(production === undefined ? [] : ['production has a development token']),
  ]
}

function textFiles(files: Files): { path: string; text: string }[] {
  return files.paths
    .map((path) => ({ path, text: files.read(path) }))
    .filter(({ text }) => !text.includes('\0'))
}

interface Match {
  readonly what: string
  readonly value: string
  readonly line: number
}

/** By file, because a mutant differs from the checkout in one of some hundred. */
const scanned = new Map<string, { readonly text: string; readonly found: readonly Match[] }>()

function matchesIn(path: string, text: string): readonly Match[] {
  const known = scanned.get(path)
  if (known?.text === text) return known.found
  // Checksums that say what they are.
  const rest = text.replaceAll(/\bsha(?:256|512)[:-][\w+/=]+/g, '')
  const found = RULES.filter((rule) => rule.in?.test(path) ?? true).flatMap((rule) =>
    [...rest.matchAll(rule.pattern)]
      .filter(([value]) => rule.harmless?.(value) !== true)
      .map(({ 0: value, index }) => ({
        what: rule.what,
        value,
        line: rest.slice(0, index).split('\n').length,
      })),
  )
  scanned.set(path, { text, found })
  return found
}

/** A key of 128 bits in hexadecimal, or letters of both cases with digits, as mixed as chance does. */
function isRandom(text: string): boolean {
  if (/^[0-9a-f]*[a-f][0-9a-f]*$/i.test(text))
    return text.length >= 32 && /\d/.test(text) && bitsPerSign(text) > 3
  return [/\d/, /[a-z]/, /[A-Z]/].every((kind) => kind.test(text)) && bitsPerSign(text) > 3.9
}

function bitsPerSign(text: string): number {
  const counts = Map.groupBy(text, (sign) => sign)
  const shares = [...counts.values()].map(({ length }) => length / text.length)
  return -shares.reduce((sum, share) => sum + share * Math.log2(share), 0)
}

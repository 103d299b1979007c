import type { FastifyInstance } from 'fastify'
import { TOKENS } from './feature-server.ts'

export const POST_ROUTES = [
  '/get-online-features',
  '/push',
  '/write-to-online-store',
  '/materialize',
  '/materialize-incremental',
]

/** A small generator of its own, so that a seed always makes the same bodies. */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const NAMES = [
  'entities',
  'features',
  'feature_service',
  'full_feature_names',
  'push_source_name',
  'df',
  'to',
  'feature_view_name',
  'start_ts',
  'end_ts',
  'feature_views',
  'version',
  'disable_event_timestamp',
  'driver_id',
  'stats_rate',
  'trips_rate',
  'at',
  'event_timestamp',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '',
  '\u0000',
  '💥',
  '\ud800',
]
const TEXTS = [
  'stats',
  'trips',
  'both',
  'stats_push',
  'stats:stats_rate',
  'trips:trips_rate',
  'stats@v2:stats_rate',
  'stats@latest:stats_rate',
  ':',
  '__proto__:x',
  'constructor',
  'online',
  'offline',
  'online_and_offline',
  '2025-03-03T15:30:00Z',
  '2025-02-31',
  '0000-00-00',
  'v1',
  'v99999999999',
  'true',
  '',
  '\u0000',
  '💥',
  '\ud800',
  'NaN',
  '-0',
  '9'.repeat(400),
  'x'.repeat(2_000),
  '\u202e',
  '1e999',
]
const NUMBERS = [
  '0',
  '-0',
  '1',
  '1001',
  '-1',
  '1.5',
  '1e308',
  '1e999',
  '-1e999',
  '5e-324',
  '9007199254740993',
  '9223372036854775807',
  '-9223372036854775808',
  '9223372036854775808',
  '1'.repeat(1_000),
  '0.1e-400',
]
const BROKEN = [
  '',
  ' ',
  '{',
  '}',
  '[',
  'null',
  'true',
  '"',
  '{"a"',
  '{"a":}',
  "{'a':1}",
  '{"a":1,}',
  '\ufeff{}',
  'NaN',
  'Infinity',
  '{"a":01}',
  '{"a":"\\x"}',
  '{"a":"\n"}',
  '[[[',
  '\u0000',
  '{"a":1}{"b":2}',
  '-',
  '1e',
  'undefined',
]

/** The n-th raw body: broken text, deep nesting, or an object of likely names and any values. */
function bodyOf(seed: number): string {
  const random = randomOf(seed * 2_654_435_761)
  const pick = (from: readonly string[]): string => from[random(from.length)] as string
  const value = (depth: number): string => {
    const kind = random(depth > 4 ? 4 : 7)
    if (kind === 0) return pick(['null', 'true', 'false'])
    if (kind === 1) return pick(NUMBERS)
    if (kind <= 3) return JSON.stringify(pick(TEXTS))
    if (kind === 4) return object(depth + 1)
    return `[${Array.from({ length: random(4) }, () => value(depth + 1)).join()}]`
  }
  const object = (depth: number): string => {
    const fields = Array.from(
      { length: random(7) },
      () => `${JSON.stringify(pick(NAMES))}:${value(depth + 1)}`,
    )
    return `{${fields.join()}}`
  }
  // Mostly sound, so that what lies behind the first checks is reached as well.
  const or = (sound: string): string => (random(10) < 8 ? sound : value(2))
  const likely = (): string =>
    `{"entities":${or(`{"driver_id":${or('[1001,"7"]')}}`)},"features":${or('["stats:stats_rate"]')},` +
    `"push_source_name":"stats_push","feature_view_name":"stats",` +
    `"df":{"driver_id":${or('[1]')},"stats_rate":${or('[0.5]')},"at":${or('["2025-03-03"]')}},` +
    `"to":${or('"online"')},"start_ts":${or('"2025-01-01"')},"end_ts":${or('"2025-01-02"')},` +
    `"feature_views":${or('["stats"]')}}`
  const kind = random(20)
  if (kind === 0) return pick(BROKEN)
  if (kind === 1) {
    const depth = 1 + random(20_000)
    const inner = pick(NUMBERS)
    const nested =
      random(2) === 0
        ? `${'['.repeat(depth)}${inner}${']'.repeat(depth)}`
        : '{"a":'.repeat(depth) + inner + '}'.repeat(depth)
    return random(2) === 0 ? nested : `{${JSON.stringify(pick(NAMES))}:${nested}}`
  }
  if (kind === 2) return likely().slice(0, random(300))
  return kind < 11 ? likely() : object(0)
}

/** Sends that many raw bodies, each to one route; answers what was answered with, by status. */
export async function sendRawBodies(
  app: FastifyInstance,
  cases: number,
  firstSeed = 1,
): Promise<{
  readonly statuses: ReadonlyMap<number, number>
  readonly failures: readonly string[]
}> {
  const statuses = new Map<number, number>()
  const failures: string[] = []
  for (let seed = firstSeed; seed < firstSeed + cases; seed += 1) {
    const url = POST_ROUTES[seed % POST_ROUTES.length] as string
    const payload = bodyOf(seed)
    const headers = { authorization: `Bearer ${TOKENS.writer}` }
    const { statusCode, body } = await app.inject({ method: 'POST', url, headers, payload })
    statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1)
    // 501 says what this server was not set up for: that is an answer, not a failure.
    if (statusCode >= 500 && statusCode !== 501)
      failures.push(
        `${statusCode} ${url} #${seed} ${payload.slice(0, 200)} → ${body.slice(0, 200)}`,
      )
  }
  return { statuses, failures }
}

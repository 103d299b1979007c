import { readFile } from 'node:fs/promises'
import { startOwnRedis } from '@usdcop/tests/support/redis'
import { expect, onTestFinished, test } from 'vitest'
import { explain, STRICT_ROWS } from './drop-in/differences.ts'
import { type Answer, post } from './drop-in/post.ts'
import { jsonOf, KINDS, type OnlineBody, requestsOf } from './drop-in/requests.ts'
import { feastRepository, type Server, startFeast, startOurs } from './drop-in/servers.ts'

const REQUESTS = 1_000
const SEED = 67
/** Feast takes its time, on a machine that others use even more of it. */
const SLOW_MS = 300_000
/** Feast has two workers. */
const AT_ONCE = 4

/** Every row of the page that a read can meet by default: the seed's requests meet each of them. */
const ROWS_BY_DEFAULT = [
  'entity never written',
  'feature never written in a row that exists',
  'stored null',
  'row past its ttl',
  'unknown feature of a known view',
  'colliding names',
  'malformed or versioned reference, no features',
  'view out of use (`enabled=False`)',
  'view kept offline (`online=False`)',
  'a mapped join key beside the column of its own name',
  'unequal columns, empty `entities`, no rows, missing join key',
  'null entity, key of the wrong type',
  'fractional value for an integer key',
  'part of a composite key',
  ...STRICT_ROWS.slice(1),
]

test(
  'answers 1,000 generated reads as Feast does on the same rows',
  async ({ signal }) => {
    await using redis = await startOwnRedis()
    const repository = await feastRepository(redis.url, signal)
    onTestFinished(async () => await repository[Symbol.asyncDispose]())
    await using feast = await startFeast(repository)
    await using strict = await startOurs(repository, 'FEAST_REPO', { FEAST_PARITY: 'strict' })
    await using byDefault = await startOurs(repository, 'FEAST_REPO')

    const requests = requestsOf(SEED, REQUESTS)
    const theirs = await answersOf(feast, requests, signal)
    const inStrict = compare(requests, theirs, await answersOf(strict, requests, signal), true)
    const inDefault = compare(requests, theirs, await answersOf(byDefault, requests, signal), false)
    tell(requests, theirs, { strict: inStrict, default: inDefault })

    expect(inStrict.unlisted).toEqual([])
    expect(inDefault.unlisted).toEqual([])
    expect([...inStrict.rows.keys()].sort()).toEqual([...STRICT_ROWS].sort())
    expect([...inDefault.rows.keys()].sort()).toEqual([...ROWS_BY_DEFAULT].sort())
    expect(inStrict.same).toBeGreaterThan(REQUESTS * 0.8)
    const page = await readFile(
      new URL('../../docs/feast-compatibility.md', import.meta.url),
      'utf8',
    )
    const untold = [...STRICT_ROWS, ...ROWS_BY_DEFAULT].filter(
      (row) => !page.includes(`\n| ${row} |`),
    )
    expect(untold).toEqual([])
  },
  SLOW_MS,
)

async function answersOf(
  { url }: Server,
  requests: readonly OnlineBody[],
  signal: AbortSignal,
): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  let next = 0
  const send = async () => {
    for (let index = next++; index < requests.length; index = next++) {
      const body = jsonOf(requests[index] as OnlineBody)
      answers[index] = await post(`${url}/get-online-features`, body, signal)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, send))
  return answers
}

interface Compared {
  readonly same: number
  /** How many answers each row of the page explains. */
  readonly rows: ReadonlyMap<string, number>
  readonly unlisted: readonly string[]
}

function compare(
  requests: readonly OnlineBody[],
  theirs: readonly Answer[],
  ours: readonly Answer[],
  strict: boolean,
): Compared {
  const rows = new Map<string, number>()
  const unlisted: string[] = []
  let same = 0
  for (const [index, request] of requests.entries()) {
    const exchange = {
      request,
      theirs: theirs[index] as Answer,
      ours: ours[index] as Answer,
    }
    const explained = explain(exchange, strict)
    if (explained.rows.size === 0 && explained.unlisted.length === 0) same += 1
    for (const row of explained.rows) rows.set(row, (rows.get(row) ?? 0) + 1)
    for (const found of explained.unlisted)
      unlisted.push(`${request.kind} ${jsonOf(request).slice(0, 300)}: ${found.slice(0, 600)}`)
  }
  return { same, rows, unlisted }
}

function tell(
  requests: readonly OnlineBody[],
  theirs: readonly Answer[],
  modes: Readonly<Record<string, Compared>>,
): void {
  const kinds = KINDS.map(
    (kind) => `${requests.filter((each) => each.kind === kind).length} ${kind}`,
  )
  const statuses = Map.groupBy(theirs, ({ status }) => status)
  const lines = [
    `${requests.length} reads of seed ${SEED}: ${kinds.join(', ')}`,
    `Feast answered ${[...statuses].map(([status, all]) => `${all.length} with ${status}`).join(', ')}`,
    ...Object.entries(modes).flatMap(([mode, { same, rows, unlisted }]) => [
      `${mode}: ${same} the same, ${unlisted.length} unlisted differences`,
      ...[...rows].map(([row, count]) => `  ${count} ${row}`),
    ]),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

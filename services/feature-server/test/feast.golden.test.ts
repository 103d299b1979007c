import type { Serving } from '@usdcop/feast/serving/ttl'
import type { OnlineStore } from '@usdcop/feast/stores/online-store'
import { featureField, timestampField } from '@usdcop/feast/stores/redis-rows'
import { decodeTimestamp } from '@usdcop/feast/wire/timestamp'
import { decodeValue, type Value } from '@usdcop/feast/wire/value'
import { type GoldenReply, goldenRegistry, readGolden } from '@usdcop/tests/support/feast-golden'
import { beforeAll, describe, expect, test } from 'vitest'
import { TOKENS, temporaryStore, testApp } from './feature-server.ts'

const golden = readGolden()
const registry = goldenRegistry(golden)
const signal = AbortSignal.timeout(60_000)
const MINUTE_MS = 60_000

/** The features of all that may lie in the store, by the name it has there. */
const stored = new Map<string, readonly string[]>([
  ...[...registry.views.values(), ...registry.onDemandViews.values()].map(
    ({ name, features }) => [name, features.map((feature) => feature.name)] as const,
  ),
  ['__precomputed__vector_service', ['vector']],
])

/** Puts the rows Feast left in Redis into a store of ours. */
async function fill(store: OnlineStore): Promise<void> {
  const project = Buffer.from(golden.definitions.project)
  for (const { key, fields } of golden.redisRows) {
    const entityKey = Buffer.from(key, 'hex').subarray(0, -project.length)
    for (const [view, features] of stored) {
      const time = fields[timestampField(view).toString('hex')]
      if (time === undefined) continue
      const values = new Map<string, Value>()
      for (const name of features) {
        const value = fields[featureField(view, name).toString('hex')]
        if (value !== undefined) values.set(name, decodeValue(Buffer.from(value, 'hex')))
      }
      const eventTimestamp = decodeTimestamp(Buffer.from(time, 'hex'))
      await store.write(view, [{ entityKey, eventTimestamp, values }], signal)
    }
  }
}

interface Answer {
  readonly status: number
  readonly body: string
}

/** Feast's order inside a view is that of a Python set, so columns are compared by name. */
function sorted({ status, body }: Answer): Answer {
  if (status !== 200 || body === '') return { status, body }
  const parts =
    /^\{"results":\[(?<columns>.*)\],"metadata":\{"feature_names":(?<names>\[.*?\])(?<rest>.*)$/s
  const { columns = '', names = '[]', rest = '' } = parts.exec(body)?.groups ?? {}
  const split = columns.split(/(?<=\}),(?=\{"values")/)
  const named = (JSON.parse(names) as string[]).map((name, index) => `${name} ${split[index]}`)
  return { status, body: [...named.sort(), rest].join('\n') }
}

async function replay(serving: Serving): Promise<Map<string, Answer>> {
  await using store = temporaryStore(golden.definitions.project)
  await fill(store)
  await using app = testApp({ registry, store, serving, now: golden.rowTimeMs + MINUTE_MS })
  const answers = new Map<string, Answer>()
  for (const { name, path, method, request, contentType } of golden.replies) {
    const type = contentType === undefined ? 'application/json' : contentType
    const reply = await app.inject({
      method,
      url: path,
      headers: {
        authorization: `Bearer ${TOKENS.writer}`,
        ...(type === null ? {} : { 'content-type': type }),
      },
      ...(method === 'POST' ? { payload: request } : {}),
    })
    answers.set(name, { status: reply.statusCode, body: reply.body })
  }
  return answers
}

/** Where our strict reply is not Feast's, and why. Anything else must be equal to the letter. */
const STRICT_DIFFERENCES: Readonly<Record<string, string>> = {
  'no content type': 'accepted: SDKs up to 0.60 send none, and Feast 0.67 refuses them',
  'a form content type': 'accepted: it is what curl sends',
  'error: malformed JSON': 'the JSON fault is told in the words of our parser',
  'error: a missing join key': 'our text names only the join keys of the requested views',
  'error: no rows': 'our text names only the join keys of the requested views',
  'error: empty entities': "our text instead of Python's 'pop from an empty set'",
  'error: a null entity': "our text instead of Python's TypeError",
  'error: a key that is no number': "our text instead of Python's ValueError",
  'error: unknown feature': "our text instead of a Python KeyError's quotes",
  'error: an unknown on-demand feature': "our text instead of a Python KeyError's quotes",
  'an on-demand view with full names': 'answered: Feast loses what a Python view computes',
  'error: write to an unknown view':
    'told as the other routes tell it, FeatureViewNotFoundException',
  'error: write without a feature': "our text instead of pandas' KeyError",
  'error: write without a time': "our text instead of Arrow's KeyError",
  'push without a feature': "our text instead of pandas' KeyError",
  'error: push without a time': "our text instead of Arrow's KeyError",
  'error: push of a broken time': "our text instead of pandas' DateParseError",
  'error: push without a join key': "our text instead of Arrow's ValueError",
  'error: push of text for a number': "our text instead of Python's AssertionError",
}
const ACCEPTED_HERE = new Set(['no content type', 'a form content type'])

/** Requests that by default get another HTTP status, or another error, than from Feast. */
const OTHER_STATUS: Readonly<Record<string, number>> = {
  'no content type': 200,
  'a form content type': 200,
  'error: unknown feature': 404,
  'error: a reference without a colon': 422,
  'error: a version': 422,
  'error: colliding names': 422,
  'error: the same reference twice': 422,
  'error: no features': 422,
  'error: unequal columns': 422,
  'error: a missing join key': 422,
  'error: half a composite key': 422,
  'error: empty entities': 422,
  'error: no rows': 422,
  'error: a null entity': 422,
  'error: a key that is no number': 422,
  'error: a fractional key': 422,
  'error: malformed JSON': 422,
  'error: write to an unknown view': 404,
  'error: write without a feature': 422,
  'error: write without a time': 422,
  'error: an unknown on-demand feature': 404,
  'error: a view out of use': 422,
  'error: vectors under short names': 422,
  'error: an entity without a vector': 422,
  'push without a feature': 422,
  'error: push to nowhere': 422,
  'error: push of unequal columns': 422,
  'error: push without a time': 422,
  'error: push of a broken time': 422,
  'error: push without a join key': 422,
  'error: push of text for a number': 422,
}

/** Requests whose values are told under other statuses by default; all of them, by column. */
const OTHER_STATUSES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'whole floats and large integers': {
    driver_id: ['PRESENT', 'PRESENT'],
    conv_rate: ['PRESENT', 'NULL_VALUE'],
    acc_rate: ['PRESENT', 'PRESENT'],
    trips: ['PRESENT', 'PRESENT'],
  },
  'a missing entity': {
    driver_id: ['PRESENT'],
    conv_rate: ['NOT_FOUND'],
    acc_rate: ['NOT_FOUND'],
    trips: ['NOT_FOUND'],
  },
  'present and missing': {
    driver_id: ['PRESENT', 'PRESENT', 'PRESENT'],
    conv_rate: ['NOT_FOUND', 'PRESENT', 'NOT_FOUND'],
    acc_rate: ['NOT_FOUND', 'PRESENT', 'NOT_FOUND'],
    trips: ['NOT_FOUND', 'PRESENT', 'NOT_FOUND'],
  },
  'a stored null': { driver_id: ['PRESENT'], conv_rate: ['NULL_VALUE'] },
  'views of different entities': {
    driver_id: ['PRESENT', 'PRESENT'],
    customer_id: ['PRESENT', 'PRESENT'],
    acc_rate: ['PRESENT', 'PRESENT'],
    f_string: ['PRESENT', 'PRESENT'],
    rating: ['PRESENT', 'NOT_FOUND'],
  },
  'a composite key': {
    driver_id: ['PRESENT', 'PRESENT'],
    customer_id: ['PRESENT', 'PRESENT'],
    rating: ['PRESENT', 'NOT_FOUND'],
  },
  'mapped join keys': {
    origin_id: ['PRESENT', 'PRESENT'],
    destination_id: ['PRESENT', 'PRESENT'],
    origin__score: ['PRESENT', 'NOT_FOUND'],
    destination__score: ['NOT_FOUND', 'PRESENT'],
  },
  'a mapped join key after its own name': {
    driver_id: ['PRESENT'],
    origin_id: ['PRESENT'],
    origin__score: ['PRESENT'],
    destination__score: ['NOT_FOUND'],
  },
  // Feast takes the own name's value for both.
  'an own name after a mapped join key': {
    driver_id: ['PRESENT'],
    origin_id: ['PRESENT'],
    origin__score: ['NOT_FOUND'],
    destination__score: ['PRESENT'],
  },
  'an on-demand view with full names': {
    driver_id: ['PRESENT', 'PRESENT'],
    driver_stats__conv_rate: ['PRESENT', 'PRESENT'],
    scaled__scaled_rate: ['PRESENT', 'PRESENT'],
  },
  'a stored on-demand view': {
    driver_id: ['PRESENT', 'PRESENT'],
    twice: ['PRESENT', 'NOT_FOUND'],
    trips: ['PRESENT', 'NOT_FOUND'],
  },
  'a view kept offline': { driver_id: ['PRESENT'], x: ['NOT_FOUND'] },
  'text keys as numbers': { customer_id: ['PRESENT'], f_string: ['NOT_FOUND'] },
}

describe('with FEAST_PARITY=strict', () => {
  let answers: Map<string, Answer>
  beforeAll(async () => {
    answers = await replay('strict')
  })
  const answerTo = ({ name }: GoldenReply) => answers.get(name) as Answer

  test.for(golden.replies.filter(({ name }) => !(name in STRICT_DIFFERENCES)))(
    'answers as Feast does: $name',
    (each) => {
      expect(sorted(answerTo(each))).toEqual(sorted(each.reply))
    },
  )

  test.for(golden.replies.filter(({ name }) => name in STRICT_DIFFERENCES))(
    'differs from Feast in what is listed only: $name',
    (each) => {
      const answer = answerTo(each)
      expect(answer.body).not.toBe(each.reply.body)
      const status = ACCEPTED_HERE.has(each.name) ? 200 : each.reply.status
      expect(answer.status).toBe(status)
    },
  )

  test('answers every request of the golden file', () => {
    expect([...answers.keys()]).toEqual(golden.replies.map(({ name }) => name))
  })
})

describe('by default', () => {
  let answers: Map<string, Answer>
  beforeAll(async () => {
    answers = await replay('mark')
  })

  test('answers as Feast does but for the listed differences', () => {
    const different = golden.replies.filter(({ name, reply }) => {
      const answer = answers.get(name) as Answer
      return JSON.stringify(sorted(answer)) !== JSON.stringify(sorted(reply))
    })
    const listed = [...Object.keys(OTHER_STATUS), ...Object.keys(OTHER_STATUSES)]
    expect(different.map(({ name }) => name).sort()).toEqual(listed.sort())
  })

  test.for(Object.entries(OTHER_STATUS))('answers %s with %i', ([name, status]) => {
    expect(answers.get(name)?.status).toBe(status)
  })

  test.for(Object.entries(OTHER_STATUSES))('tells the statuses of %s', ([name, told]) => {
    const reply = JSON.parse(answers.get(name)?.body ?? '') as {
      metadata: { feature_names: string[] }
      results: { statuses: string[] }[]
    }
    const statuses = reply.metadata.feature_names.map((column, index) => [
      column,
      reply.results[index]?.statuses,
    ])
    expect(Object.fromEntries(statuses)).toEqual(told)
  })

  test.for(
    golden.replies.filter(({ name, reply }) => reply.status >= 400 && !ACCEPTED_HERE.has(name)),
  )('answers a fault of the caller with 4xx that a Feast client can read: $name', ({ name }) => {
    const { status, body } = answers.get(name) as Answer
    expect([404, 422]).toContain(status)
    const parsed = JSON.parse(body) as string | object
    const detail = (typeof parsed === 'string' ? JSON.parse(parsed) : parsed) as object
    expect(['module,class,message', 'detail']).toContain(Object.keys(detail).join())
  })
})

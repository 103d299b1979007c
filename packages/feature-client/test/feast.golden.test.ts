import { decodeValue, type ValueType } from '@usdcop/feast/wire/value'
import { shapeOf } from '@usdcop/feast/wire/value-types'
import { goldenRegistry, readGolden } from '@usdcop/tests/support/feast-golden'
import { describe, expect, test } from 'vitest'
import { refused } from '../src/http/refusal.ts'
import { createOnlinePlanner, type OnlineRequest } from '../src/online-request.ts'
import { valueReader } from '../src/read-value.ts'
import { readReply } from '../src/reply.ts'
import { parseReplyJson } from '../src/reply-json.ts'
import { schemaOf } from '../src/schema-of.ts'

const golden = readGolden()
const schema = schemaOf(goldenRegistry(golden))
const plan = createOnlinePlanner(schema)
const endpoint = new URL('http://feast:6566/get-online-features')
const questions = golden.replies.filter(({ path }) => path === '/get-online-features')

const values = golden.values.filter(({ type }) => type !== null && shapeOf(type).kind !== 'nested')

test.for(values.map((value) => ({ ...value, name: `${value.type} ${value.json}` })))(
  'reads what Feast prints as what it stores: $name',
  ({ type, hex, json }) => {
    const stored = decodeValue(Buffer.from(hex, 'hex'))
    const told = parseReplyJson(json)
    const read = told === null ? null : valueReader(type as ValueType)(told)
    expect(read).toEqual(stored?.value ?? null)
  },
)

interface FeastRequest {
  readonly features?: readonly string[]
  readonly feature_service?: string | null
  readonly full_feature_names?: boolean
  readonly entities: Readonly<Record<string, readonly unknown[]>>
}

function requestOf(text: string): OnlineRequest {
  const asked = JSON.parse(text) as FeastRequest
  const { features = [], feature_service: service, full_feature_names: full, entities } = asked
  const named = service ? { featureService: service } : { features }
  return { ...named, entities, fullFeatureNames: full === true }
}

describe('a reply of Feast', () => {
  const answered = questions.filter(({ reply }) => reply.status === 200)

  test.for(answered)('is read whole: $name', ({ request, reply }) => {
    const asked = requestOf(request)
    const { columns } = plan(asked)
    const json = parseReplyJson(reply.body) as {
      metadata?: { feature_names: string[] }
      results: { values: unknown[]; statuses: string[] }[]
    }
    const rows = readReply(json, asked.entities, columns)
    const names = json.metadata?.feature_names ?? []
    expect(rows).toHaveLength(Object.values(asked.entities)[0]?.length ?? 0)
    for (const { name } of columns ?? []) {
      const column = json.results[names.indexOf(name)]
      const nulls = rows.map(({ features }) => features[name]?.value === null)
      expect(nulls).toEqual(column?.values.map((value) => value === null) ?? rows.map(() => true))
    }
  })
})

describe('a refusal of Feast', () => {
  const refusals = golden.replies.filter(({ reply }) => reply.status >= 400)

  test.for(refusals)('has a code and its words: $name', ({ reply }) => {
    const error = refused(endpoint, { status: reply.status, text: reply.body }, '')
    const inner = /\\"class\\": \\"(?<name>\w+)\\"/.exec(reply.body)?.groups?.['name']
    expect(error.refusal).toMatchObject({ status: reply.status, feastClass: inner })
    expect(error.refusal.text).not.toMatch(/^$|^\{|Field required"/)
    expect(error.code).not.toBe('internal')
  })
})

import { isDeepStrictEqual } from 'node:util'
import type { OwnRedis } from '@usdcop/tests/support/redis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EVERY_KIND, EVERY_TYPE } from './drop-in/one-each.ts'
import { post } from './drop-in/post.ts'
import { type RedisRows, redisRows } from './drop-in/redis-rows.ts'
import { replyColumns } from './drop-in/reply-columns.ts'
import { type SdkCall, sdkSays } from './drop-in/sdk.ts'
import { besideFeast, clientOf, type Repository, type Server, WRITER } from './drop-in/servers.ts'

/** Three processes of Feast's SDK, which the one server that fails makes wait besides. */
const SLOW_MS = 300_000

const world = new AsyncDisposableStack()
let redis: OwnRedis
let repository: Repository
let feast: Server
let ours: Server
let rows: RedisRows

beforeAll(async () => {
  ;({ redis, repository, feast, ours } = await besideFeast(world, 'FEAST_REPO', {
    FEAST_PARITY: 'strict',
  }))
  rows = world.use(await redisRows(redis.url))
})
afterAll(async () => await world.disposeAsync())

const AT = ['2025-03-03T15:30:00.250001Z']
const LATER = ['2025-03-03 11:00:00-05:00']
const NULLS = Object.fromEntries(Object.keys(EVERY_KIND).map((name) => [name, [null]]))
const UUID = ['12345678-1234-5678-1234-567812345678']

/** What JSON alone can say of each type: bodies as `curl` sends them, to keys of every type. */
const WRITES: Readonly<Record<string, readonly [path: string, body: object]>> = {
  'an INT64 key': [
    '/push',
    {
      push_source_name: 'driver_push',
      df: {
        driver_id: [9_001, 9_002],
        conv_rate: [0.7, null],
        acc_rate: [1, 1e16],
        trips: [9_007_199_254_740_991, -1],
        event_timestamp: [...AT, '2025-03-03T15:30:00.5Z'],
      },
    },
  ],
  'an INT64 key, later on': [
    '/push',
    {
      push_source_name: 'driver_push',
      to: 'online',
      df: {
        driver_id: [9_003],
        conv_rate: [null],
        acc_rate: [0],
        trips: [0],
        event_timestamp: LATER,
      },
    },
  ],
  'an INT32 key': written('station_level', { station_id: [-9_001], level: [2.5] }),
  'a STRING key': written('every_type', {
    customer_id: ['ñ 💵 "q"'],
    ...nullsBut({ f_string: ['a'], f_int32_list: [[1, -2]], f_bool: [false] }),
  }),
  'a STRING key of digits': written('every_kind', {
    customer_id: ['9001'],
    ...NULLS,
    json: ['[]'],
  }),
  'a key of a time': [
    '/push',
    {
      push_source_name: 'moment_push',
      df: { moment_id: [1_893_456_000], height: [1.5], event_timestamp: AT },
    },
  ],
  'a composite key': written('driver_customer', {
    customer_id: ['c-9'],
    driver_id: [9_001],
    rating: [0.1],
  }),
  scalars: written('every_type', {
    customer_id: ['w-scalars'],
    ...nullsBut({
      f_string: [''],
      f_int32: [-5],
      f_int64: [9_007_199_254_740_991],
      f_double: [0.1],
      f_float: [0.1],
      f_bool: [true],
      f_unix_timestamp: [1_640_995_200],
    }),
  }),
  lists: written('every_type', {
    customer_id: ['w-lists'],
    ...nullsBut({
      f_string_list: [['', 'é']],
      f_int32_list: [[-1, 0]],
      f_int64_list: [[9_007_199_254_740_991]],
      f_double_list: [[0.5, 1]],
      f_float_list: [[0.1]],
      f_bool_list: [[true, false]],
    }),
  }),
  sets: written('every_kind', {
    customer_id: ['w-sets'],
    ...NULLS,
    string_set: [['a']],
    int32_set: [[1]],
    int64_set: [[2]],
    double_set: [[0.5]],
    float_set: [[0.25]],
    bool_set: [[true]],
    unix_timestamp_set: [[5]],
    uuid_set: [UUID],
    time_uuid_set: [UUID],
    decimal_set: [['1.10']],
  }),
  'texts with a meaning': written('every_kind', {
    customer_id: ['w-texts'],
    ...NULLS,
    json: ['{"a": 1}'],
    json_list: [['1', '{}']],
    uuid: UUID,
    uuid_list: [UUID],
    time_uuid: UUID,
    time_uuid_list: [UUID],
    decimal: ['1.10'],
    decimal_list: [['1.10', '-2']],
  }),
  'values in values': written('every_kind', {
    customer_id: ['w-values'],
    ...NULLS,
    map: ['{"a": 1.0}'],
    struct: ['{"a": 1}'],
    value_list: [[[1, 2], [3]]],
    value_set: [[[1]]],
  }),
}

function written(view: string, df: object): readonly [string, object] {
  return ['/write-to-online-store', { feature_view_name: view, df: { ...df, event_timestamp: AT } }]
}

function nullsBut(given: object): object {
  return { ...Object.fromEntries(Object.keys(EVERY_TYPE).map((name) => [name, [null]])), ...given }
}

/** Reads of everything that was written. */
const READS: readonly object[] = [
  {
    features: ['driver_stats:conv_rate', 'driver_stats:acc_rate', 'driver_stats:trips'],
    entities: { driver_id: [9_001, 9_002, 9_003] },
  },
  { features: ['station_level:level'], entities: { station_id: [-9_001] } },
  { features: ['moment_level:height'], entities: { moment_id: [1_893_456_000] } },
  {
    features: ['driver_customer:rating'],
    entities: { driver_id: [9_001], customer_id: ['c-9'] },
  },
  {
    features: Object.keys(EVERY_TYPE).map((name) => `every_type:${name}`),
    entities: { customer_id: ['ñ 💵 "q"', 'w-scalars', 'w-lists'] },
  },
  {
    features: Object.keys(EVERY_KIND).map((name) => `every_kind:${name}`),
    entities: { customer_id: ['9001', 'w-sets', 'w-texts', 'w-values'] },
  },
]

describe('rows written over HTTP', () => {
  test.for(Object.entries(WRITES))(
    'leave in Redis what they leave through Feast: %s',
    async ([, [path, body]], { signal }) => {
      const theirs = await wroteThrough(feast, path, body, signal)
      await rows.forget()
      const our = await wroteThrough(ours, path, body, signal)
      await rows.keep()
      expect(theirs.size).toBeGreaterThan(0)
      expect(our).toEqual(theirs)
    },
  )

  test.for(READS)('are read by Feast as by us: %j', async (body, { signal }) => {
    const read = async ({ url }: Server) =>
      post(`${url}/get-online-features`, JSON.stringify(body), signal)
    const [theirs, our] = [await read(feast), await read(ours)]
    expect([theirs.status, our.status]).toEqual([200, 200])
    const columns = replyColumns(theirs.body)
    expect(replyColumns(our.body)).toEqual(columns)
    const times = columns.flatMap(({ event_timestamps }) => event_timestamps)
    expect(times.filter((time) => time.startsWith('2025-03-03'))).not.toEqual([])
  })
})

async function wroteThrough({ url }: Server, path: string, body: object, signal: AbortSignal) {
  const headers = { authorization: `Bearer ${WRITER}` }
  const { status, body: said } = await post(url + path, JSON.stringify(body), signal, headers)
  expect({ status, said }).toMatchObject({ status: 200 })
  return await rows.fresh()
}

/** Types that the SDK itself, before it has sent anything, cannot say to a server. */
const NOT_SENT = [
  'f_bytes',
  'f_bytes_list',
  'bytes_set',
  'string_set',
  'int32_set',
  'int64_set',
  'double_set',
  'float_set',
  'bool_set',
  'decimal',
  'decimal_list',
  'decimal_set',
]
/** Types that no frame of the SDK's can hold. */
const NOT_TAKEN = ['map_list', 'scalar_map', 'zoned_timestamp']
/** What Feast's server fails on, and leaves to us. */
const FEAST_FAILS = ['struct_list']

test(
  "the SDK's writes, type by type, leave in Redis what Feast leaves by itself",
  async ({ signal }) => {
    const calls = [...writesOf('every_type', EVERY_TYPE), ...writesOf('every_kind', EVERY_KIND)]
    const through = async (folder: string) => {
      const job = { repository: folder, calls: calls.map(({ call }) => call) }
      const [said] = await sdkSays([job], signal)
      const left = await rows.fresh()
      await rows.forget()
      return { said, left }
    }
    const itself = await through(repository.folder)
    const theirs = await through(await clientOf(repository, 'to-feast', feast, WRITER))
    const our = await through(await clientOf(repository, 'to-ours', ours, WRITER))

    const outcomes = calls.map(({ feature, key }, index) => {
      const raised = [itself, theirs, our].map(({ said }) => 'raised' in (said[index] ?? {}))
      const [alone, byFeast, byUs] = [itself, theirs, our].map(({ left }) => rowOf(left, key))
      const outcome = raised.map((each) => (each ? 'raises' : 'writes')).join(' ')
      const unlike = [alone, byFeast].filter(
        (row) => row !== undefined && !isDeepStrictEqual(row, byUs),
      )
      const arrived = byFeast !== undefined || byUs !== undefined
      return { feature, outcome, unlike: arrived ? unlike : [] }
    })
    expect(outcomes.filter(({ unlike }) => unlike.length > 0)).toEqual([])
    const those = (wanted: string) => [
      ...new Set(
        outcomes.filter(({ outcome }) => outcome === wanted).map(({ feature }) => feature),
      ),
    ]
    expect(those('writes raises writes')).toEqual(FEAST_FAILS)
    expect(those('raises raises raises').sort()).toEqual([...NOT_TAKEN].sort())
    expect(those('writes raises raises').sort()).toEqual([...NOT_SENT].sort())
    const all = [...Object.keys(EVERY_TYPE), ...Object.keys(EVERY_KIND)]
    const sent = all.filter((name) => ![NOT_SENT, NOT_TAKEN, FEAST_FAILS].flat().includes(name))
    expect(those('writes writes writes').sort()).toEqual(expect.arrayContaining(sent))
  },
  SLOW_MS,
)

/** A row for each value of each feature, the others null. */
function writesOf(view: string, values: Readonly<Record<string, readonly unknown[]>>) {
  const names = Object.keys(values)
  return Object.entries(values).flatMap(([feature, given]) =>
    given.map((value, index) => {
      const key = `${feature}-${index}`
      const columns = names.map((name) => [name, [name === feature ? value : null]])
      const df = {
        customer_id: [key],
        ...(Object.fromEntries(columns) as Record<string, unknown[]>),
        event_timestamp: [{ $time: AT[0] }],
      }
      return { feature, key, call: { do: 'write', view, df } satisfies SdkCall }
    }),
  )
}

/** The row under a customer's key. */
function rowOf(left: Awaited<ReturnType<RedisRows['fresh']>>, customer: string) {
  const ending = Buffer.from(`${customer}golden`).toString('hex')
  const length = Buffer.alloc(4)
  length.writeUInt32LE(Buffer.byteLength(customer))
  const key = [...left.keys()].find((each) => each.endsWith(length.toString('hex') + ending))
  return key === undefined ? undefined : left.get(key)
}

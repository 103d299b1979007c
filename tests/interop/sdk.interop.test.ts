import { startIdentityProvider } from '@usdcop/tests/support/identity-provider'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EVERY_KIND, EVERY_TYPE } from './drop-in/one-each.ts'
import { type SdkCall, sdkSays } from './drop-in/sdk.ts'
import {
  besideFeast,
  clientOf,
  READER,
  type Repository,
  type Server,
  startOurs,
  variant,
  WRITER,
} from './drop-in/servers.ts'

const world = new AsyncDisposableStack()
let repository: Repository
let feast: Server
let ours: Server
let strict: Server

beforeAll(async () => {
  ;({ repository, feast, ours } = await besideFeast(world, 'usdcop feast serve'))
  strict = world.use(await startOurs(repository, 'FEAST_REPO', { FEAST_PARITY: 'strict' }))
})
afterAll(async () => await world.disposeAsync())

const STATS = ['driver_stats:conv_rate', 'driver_stats:acc_rate', 'driver_stats:trips']
const NOW = { $time: '2025-03-03T16:00:00.123456Z' }
const pushed = (driver: number) => ({
  driver_id: [driver, driver + 1],
  conv_rate: [0.5, null],
  acc_rate: [1, 2],
  trips: [9_007_199_254_740_991, 0],
  event_timestamp: [NOW, NOW],
})

/** The SDK has no word for lists in lists, nor for an infinity among numbers, from whichever server. */
const UNREADABLE = new Set(['value_list', 'value_set', 'double_set'])

/** Reads and writes in an order: what the SDK wrote is read again. */
const CALLS: readonly SdkCall[] = [
  { do: 'read', features: STATS, entities: { driver_id: [1, 2, 3, 1, 555] } },
  { do: 'read', features: STATS, entities: { driver_id: [1] }, full_feature_names: true },
  { do: 'read', features: STATS, entities: { driver_id: [1, 3] }, as_rows: true },
  { do: 'read', service: 'driver_service', entities: { driver_id: [1, 3, 9] } },
  { do: 'read', service: 'alias_service', entities: { driver_id: [3] }, full_feature_names: true },
  {
    do: 'read',
    service: 'route_service',
    entities: { origin_id: [1, 4], destination_id: [4, 1] },
    full_feature_names: true,
  },
  {
    do: 'read',
    features: ['driver_customer:rating', 'driver_stats:trips'],
    entities: { driver_id: [1, 2, 2], customer_id: ['c-0', 'c-1', 'nobody'] },
  },
  { do: 'read', features: ['global_total:total'], entities: { any: [1, 2] } },
  { do: 'read', features: ['station_level:level'], entities: { station_id: [0, -1, 777] } },
  { do: 'read', features: ['moment_level:height'], entities: { moment_id: [0, 1_640_995_200, 5] } },
  {
    do: 'read',
    features: Object.keys(EVERY_TYPE).map((name) => `every_type:${name}`),
    entities: { customer_id: ['c-é', 'nobody'] },
  },
  {
    do: 'read',
    features: Object.keys(EVERY_KIND)
      .filter((name) => !UNREADABLE.has(name))
      .map((name) => `every_kind:${name}`),
    entities: { customer_id: ['c-é', 'nobody'] },
  },
  {
    do: 'read',
    service: 'widest',
    entities: { driver_id: Array.from({ length: 100 }, (_, n) => n) },
  },
  { do: 'push', source: 'driver_push', df: pushed(7_000) },
  { do: 'read', features: STATS, entities: { driver_id: [7_000, 7_001] } },
  {
    do: 'write',
    view: 'driver_customer',
    df: { driver_id: [7_000], customer_id: ['n'], rating: [0.1], event_timestamp: [NOW] },
  },
  {
    do: 'read',
    features: ['driver_customer:rating'],
    entities: { driver_id: [7_000], customer_id: ['n'] },
  },
]

describe("Feast's SDK with an online store that is remote", () => {
  test('gets from us what it gets from Feast', async ({ signal }) => {
    const of = async (name: string, server: Server) => ({
      repository: await clientOf(repository, name, server, WRITER),
      calls: CALLS,
    })
    const jobs = [await of('of-feast', feast), await of('of-strict', strict)] as const
    const [theirs, our] = await sdkSays(jobs, signal)
    expect(theirs.filter((each) => 'raised' in each)).toEqual([])
    for (const [index, call] of CALLS.entries())
      expect({ call, said: our[index] }).toEqual({ call, said: theirs[index] })
  })

  test('is told by default what is missing, null or too old', async ({ signal }) => {
    const client = await clientOf(repository, 'of-default', ours, WRITER)
    const df = {
      driver_id: [7_100],
      score: [null],
      trips: [5],
      event_timestamp: [{ $time: '2025-01-01T00:00:00Z' }],
    }
    const calls: readonly SdkCall[] = [
      { do: 'write', view: 'driver_extra', df },
      { do: 'push', source: 'driver_push', df: pushed(7_100) },
      {
        do: 'read',
        features: ['driver_extra:score', 'driver_extra:trips', 'driver_stats:acc_rate'],
        entities: { driver_id: [7_100, 424_242] },
      },
    ]
    const [[wrote, pushedToo, read]] = await sdkSays([{ repository: client, calls }], signal)
    expect([wrote, pushedToo]).toEqual([{ returned: null }, { returned: null }])
    expect(read).toMatchObject({
      returned: {
        values: { score: [null, null], trips: [5, null], acc_rate: [1, null] },
        statuses: {
          driver_id: ['PRESENT', 'PRESENT'],
          score: ['NULL_VALUE', 'NOT_FOUND'],
          trips: ['PRESENT', 'NOT_FOUND'],
          acc_rate: ['OUTSIDE_MAX_AGE', 'NOT_FOUND'],
        },
      },
    })
  })

  test('materializes a window, then what has come since, and reads both', async ({ signal }) => {
    const views = ['station_level']
    const day = (date: string) => ({ $time: `${date}T00:00:00+00:00` })
    const window: SdkCall = {
      do: 'materialize',
      start: day('2025-03-01'),
      end: day('2025-03-02'),
      views,
    }
    const since: SdkCall = { do: 'materialize_incremental', end: day('2025-03-03'), views }
    // The row of station 900 is of March the 1st at noon, that of 901 a day younger.
    const read: SdkCall = {
      do: 'read',
      features: ['station_level:level'],
      entities: { station_id: [900, 901] },
    }
    const unknown: SdkCall = { ...window, views: ['nope'] }
    const [refused, writer] = await sdkSays(
      [
        {
          repository: await clientOf(repository, 'materializes-as-reader', ours, READER),
          calls: [read, window, since],
        },
        {
          repository: await clientOf(repository, 'materializes', ours, WRITER),
          calls: [read, window, read, since, read, unknown],
        },
      ] as const,
      signal,
    )
    // A process that has read before raises Feast's own class; one that has not, a RuntimeError.
    const raises = (raised: string): unknown => expect.objectContaining({ raised })
    const done = { returned: null }
    const finds = (level: (number | null)[], statuses: string[]): unknown => ({
      returned: {
        values: { station_id: [900, 901], level },
        statuses: { station_id: ['PRESENT', 'PRESENT'], level: statuses },
        rows: 2,
      },
    })
    const nothing = finds([null, null], ['NOT_FOUND', 'NOT_FOUND'])
    const denied = raises('FeastPermissionError')
    expect(refused).toEqual([nothing, denied, denied])
    expect(writer).toEqual([
      nothing,
      done,
      finds([0.5, null], ['PRESENT', 'NOT_FOUND']),
      done,
      finds([0.5, 1.5], ['PRESENT', 'PRESENT']),
      raises('FeatureViewNotFoundException'),
    ])
  })

  test('raises its own errors, where Feast would have it try again', async ({ signal }) => {
    const client = await clientOf(repository, 'faults', ours, WRITER)
    const entities = { driver_id: [1] }
    const df = pushed(1)
    const { acc_rate: _, ...partOfDf } = df
    const faults: readonly SdkCall[] = [
      { do: 'read', features: ['nope:x'], entities },
      { do: 'read', unknown_service: 'nope', entities },
      { do: 'read', features: ['driver_stats:trips', 'driver_extra:trips'], entities },
      { do: 'read', features: ['driver_stats:nope'], entities },
      { do: 'read', features: STATS, entities: { driver_id: ['abc'] } },
      { do: 'read', features: ['driver_customer:rating'], entities },
      { do: 'push', source: 'nope', df },
      { do: 'push', source: 'driver_push', df: partOfDf },
    ]
    const [said] = await sdkSays([{ repository: client, calls: faults }], signal)
    expect(said.map((each) => 'raised' in each && each.raised)).toEqual([
      'FeatureViewNotFoundException',
      'FeatureServiceNotFoundException',
      'FeatureNameCollisionError',
      'FeastError',
      'FeastError',
      'FeastError',
      'PushSourceNotFoundException',
      'KeyError',
    ])
    expect(said[0]).toMatchObject({
      message: 'Feature view nope does not exist in project golden',
    })
  })
})

describe('a bearer token', () => {
  const write: SdkCall = { do: 'push', source: 'driver_push', df: pushed(7_200) }
  const read: SdkCall = { do: 'read', features: STATS, entities: { driver_id: [1] } }

  test('is an API key: a writer writes, a reader reads, nobody else writes', async ({ signal }) => {
    const as = async (name: string, token?: string) => ({
      repository: await clientOf(repository, name, ours, token),
      calls: [read, write],
    })
    const [writer, reader, stranger, nobody] = await sdkSays(
      [
        await as('writer', WRITER),
        await as('reader', READER),
        await as('stranger', 'guessed'),
        await as('nobody'),
      ] as const,
      signal,
    )
    expect(writer).toEqual([{ returned: expect.anything() }, { returned: null }])
    expect(reader[0]).toHaveProperty('returned')
    expect(reader[1]).toMatchObject({ raised: 'FeastPermissionError' })
    expect(stranger[1]).toMatchObject({ raised: 'RuntimeError', message: MESSAGE_401 })
    expect(nobody[0]).toHaveProperty('returned')
    expect(nobody[1]).toMatchObject({ raised: 'RuntimeError', message: MESSAGE_401 })
  })

  test('is one of the identity provider that the repository names', async ({ signal }) => {
    await using provider = await startIdentityProvider()
    await using another = await startIdentityProvider()
    const guarded = await variant(repository, 'guarded', {
      auth: `{type: oidc, auth_discovery_url: '${provider.discoveryUrl}', client_id: feast}`,
    })
    await using server = await startOurs(guarded, 'FEAST_REPO')
    const as = async (name: string, token?: string) => ({
      repository: await clientOf(repository, name, server, token),
      calls: [read, write],
    })
    const claims = { sub: 'ana', preferred_username: 'ana' }
    const [ana, forged, nobody] = await sdkSays(
      [
        await as('ana', provider.token(claims)),
        await as('forged', another.token({ ...claims, iss: provider.issuer })),
        await as('tokenless'),
      ] as const,
      signal,
    )
    expect(ana).toEqual([{ returned: expect.anything() }, { returned: null }])
    for (const refused of [...forged, ...nobody])
      expect(refused).toMatchObject({
        raised: 'RuntimeError',
        message: expect.stringMatching(/401/),
      })
  })
})

const MESSAGE_401: unknown = expect.stringContaining('Error_code=401')

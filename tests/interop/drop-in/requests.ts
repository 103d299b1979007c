import { seededRandom } from '../../chaos/seeded-random.ts'

/** One body of `POST /get-online-features` and what it was made to be. */
export interface OnlineBody {
  readonly kind: Kind
  readonly body: {
    readonly entities: Readonly<Record<string, readonly unknown[]>>
    readonly features?: readonly string[]
    readonly feature_service?: string
    readonly full_feature_names?: unknown
  }
}

export const KINDS = [
  'one view',
  'every type',
  'every kind',
  'several views',
  'composite key',
  'other keys',
  'service',
  'alias',
  'mapped keys',
  'entity-less view',
  'unknown name',
  'malformed reference',
  'bad key',
  'bad columns',
  'bad body',
  'wide',
] as const
export type Kind = (typeof KINDS)[number]

const SCALARS = ['bytes', 'string', 'int32', 'int64', 'double', 'float', 'bool', 'unix_timestamp']
const EVERY_TYPE = SCALARS.flatMap((type) => [`every_type:f_${type}`, `every_type:f_${type}_list`])
const LISTED = ['uuid', 'time_uuid', 'decimal']
const EVERY_KIND = [
  ...SCALARS.map((type) => `${type}_set`),
  'json',
  'json_list',
  'map',
  'map_list',
  'struct',
  'struct_list',
  'value_list',
  'value_set',
  ...LISTED.flatMap((type) => [type, `${type}_list`, `${type}_set`]),
  'scalar_map',
  'zoned_timestamp',
].map((name) => `every_kind:${name}`)
const STATS = ['driver_stats:conv_rate', 'driver_stats:acc_rate', 'driver_stats:trips']
const EXTRA = ['driver_extra:score']
const CUSTOMERS = [
  ...Array.from({ length: 44 }, (_, n) => `c-${n}`),
  '',
  'ñ 💵',
  '5',
  'True',
  'c-é',
]
const WIDE = Array.from({ length: 250 }, (_, n) => {
  const view = Math.floor(n / 50)
  return `wide_${view}:w${view}_${n % 50}`
})

/** Requests from a seed: always the same ones. */
export function requestsOf(seed: number, count: number): readonly OnlineBody[] {
  const draw = createDraw(seed)
  return Array.from({ length: count }, (_, index) => {
    // A wide one costs Feast up to a second, so there is one in forty.
    const kind = index % 40 === 39 ? 'wide' : (KINDS[index % (KINDS.length - 1)] as Kind)
    return { kind, body: BODIES[kind](draw) }
  })
}

type Draw = ReturnType<typeof createDraw>

function createDraw(seed: number) {
  const random = seededRandom(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  const one = <T>(from: readonly T[]): T => from[below(from.length)] as T
  const many = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)
  return {
    below,
    one,
    many,
    /** Some of them without repetition, at least one, in an order of its own. */
    some<T>(from: readonly T[], most = from.length): T[] {
      const left = [...from]
      return many(1 + below(most), () => left.splice(below(left.length), 1)[0] as T)
    },
    rows: () => one([1, 1, 2, 3, 5, 10]),
    /** Half of the drivers have rows; few keys, so that some come twice. */
    driver: () =>
      one<unknown>([below(12), below(130), below(130), 9_007_199_254_740_999n, -5, '7']),
    customer: () => one<unknown>([one(CUSTOMERS), one(CUSTOMERS), one(CUSTOMERS), 5, 'nobody']),
    flag: () => one([{}, {}, { full_feature_names: true }, { full_feature_names: 'yes' }]),
  }
}

const BODIES: Readonly<Record<Kind, (draw: Draw) => OnlineBody['body']>> = {
  'one view': (draw) => ({
    features: draw.some(draw.one([STATS, [...EXTRA, 'driver_extra:trips']])),
    entities: { driver_id: draw.many(draw.rows(), draw.driver) },
    ...draw.flag(),
  }),
  'every type': (draw) => ({
    features: draw.some(EVERY_TYPE),
    entities: { customer_id: draw.many(draw.rows(), draw.customer) },
    ...draw.flag(),
  }),
  'every kind': (draw) => ({
    features: draw.some(EVERY_KIND),
    entities: { customer_id: draw.many(draw.rows(), draw.customer) },
    ...draw.flag(),
  }),
  'several views': (draw) => {
    const rows = draw.rows()
    return {
      features: draw.some([...STATS, ...EXTRA, ...EVERY_TYPE, 'driver_customer:rating'], 12),
      entities: {
        ...(draw.below(4) === 0 && { colour: draw.many(rows, () => 'red') }),
        driver_id: draw.many(rows, draw.driver),
        customer_id: draw.many(rows, draw.customer),
      },
      ...draw.flag(),
    }
  },
  'composite key': (draw) => {
    const rows = draw.rows()
    const driver_id = draw.many(rows, () => draw.below(24))
    const customer_id = draw.many(rows, () => `c-${draw.below(8)}`)
    const half = draw.below(10)
    return {
      features: ['driver_customer:rating'],
      entities: {
        ...(half !== 0 && { customer_id }),
        ...(half !== 1 && { driver_id }),
      },
      ...draw.flag(),
    }
  },
  'other keys': (draw) =>
    draw.below(2) === 0
      ? {
          features: ['station_level:level'],
          entities: {
            [draw.one(['station_id', 'station'])]: draw.many(draw.rows(), () =>
              draw.one([draw.below(40), -1, 2_147_483_647, '3']),
            ),
          },
        }
      : {
          features: ['moment_level:height'],
          entities: {
            moment_id: draw.many(draw.rows(), () => draw.one([0, 1, 2, 1_640_995_200, -7])),
          },
        },
  service: (draw) => {
    const rows = draw.rows()
    const feature_service = draw.one(['driver_service', 'mixed_service', 'mixed_service'])
    return {
      feature_service,
      ...(draw.below(3) === 0 && { features: ['nope:nope'] }),
      entities: {
        driver_id: draw.many(rows, draw.driver),
        ...(feature_service === 'mixed_service' && {
          customer_id: draw.many(rows, draw.customer),
        }),
      },
      ...draw.flag(),
    }
  },
  alias: (draw) => ({
    feature_service: 'alias_service',
    entities: { driver_id: draw.many(draw.rows(), draw.driver) },
    // Without full names two features are called trips.
    full_feature_names: draw.one<unknown>([true, true, 1, 'on', false]),
  }),
  'mapped keys': (draw) => {
    const rows = draw.rows()
    const column = () => draw.many(rows, draw.driver)
    const shape = draw.below(6)
    return {
      feature_service: 'route_service',
      entities: {
        ...(shape === 0 && { driver_id: column() }),
        ...(shape !== 1 && { origin_id: column() }),
        ...(shape === 2 && { driver_id: column() }),
        destination_id: column(),
      },
      full_feature_names: draw.below(8) !== 0,
    }
  },
  'entity-less view': (draw) => ({
    features: draw.one([['global_total:total'], ['global_total:total', 'station_level:level']]),
    entities: { station_id: draw.many(draw.rows(), () => draw.below(40)) },
    ...draw.flag(),
  }),
  'unknown name': (draw) => ({
    ...draw.one([
      { features: ['nope:conv_rate'] },
      { features: ['driver_stats:nope'] },
      { features: [...STATS, 'nope:x', 'driver_stats:nope'] },
      { feature_service: 'nope' },
      { features: ['nope@latest:x'] },
      { features: ['not_in_use:x'] },
      { features: ['offline_only:x'] },
      { features: ['toString:constructor'] },
    ]),
    entities: { driver_id: draw.many(draw.rows(), draw.driver) },
  }),
  'malformed reference': (draw) => ({
    features: draw.one([
      ['conv_rate'],
      [''],
      [':'],
      ['driver_stats:'],
      [':conv_rate'],
      ['driver_stats:conv_rate:x'],
      ['driver_stats@v2:trips'],
      ['driver_stats@:trips'],
      ['driver_stats@latest:trips'],
      ['driver_stats@LATEST:trips'],
      ['driver_stats@x:trips'],
      ['driver_stats:trips', 'driver_stats:trips'],
      ['driver_stats:trips', 'driver_extra:trips'],
      [' driver_stats:trips'],
      [],
    ]),
    entities: { driver_id: draw.many(draw.rows(), draw.driver) },
    ...draw.flag(),
  }),
  'bad key': (draw) =>
    draw.one<OnlineBody['body']>([
      { features: STATS, entities: { driver_id: [1, null] } },
      { features: STATS, entities: { driver_id: ['abc'] } },
      { features: STATS, entities: { driver_id: [1.5, 3] } },
      { features: STATS, entities: { driver_id: [1, [2]] } },
      { features: STATS, entities: { driver_id: [{ a: 1 }] } },
      { features: STATS, entities: { driver_id: [true] } },
      { features: STATS, entities: { driver_id: [9_223_372_036_854_775_808n] } },
      { features: STATS, entities: { driver_id: [' 7 '] } },
      { features: STATS, entities: { driver_id: [7, '7', 7.0] } },
      { features: ['station_level:level'], entities: { station_id: [2_147_483_648] } },
      { features: ['every_type:f_string'], entities: { customer_id: [true, 'x'] } },
      { features: ['every_type:f_string'], entities: { customer_id: [1.5, 'x'] } },
      { features: ['every_type:f_string'], entities: { customer_id: [['x']] } },
      { features: ['every_type:f_string'], entities: { customer_id: [null, 'c-1'] } },
    ]),
  'bad columns': (draw) =>
    draw.one<OnlineBody['body']>([
      { features: STATS, entities: {} },
      { features: STATS, entities: { driver_id: [] } },
      { features: STATS, entities: { customer_id: ['c-1'] } },
      { features: STATS, entities: { driver_id: [1, 2], customer_id: ['c-1'] } },
      { features: STATS, entities: { colour: ['red'] } },
      { features: STATS, entities: { driver: [draw.below(100)] } },
      { features: STATS, entities: { driver: [4], driver_id: [2] } },
      { features: ['global_total:total'], entities: { any: [1, 2, 3] } },
      { features: ['global_total:total'], entities: {} },
      { feature_service: 'route_service', entities: { driver_id: [2] }, full_feature_names: true },
    ]),
  'bad body': (draw) =>
    draw.one([
      { features: STATS },
      { features: STATS, entities: [] },
      { features: STATS, entities: null },
      { features: STATS, entities: { driver_id: 1 } },
      { features: STATS, entities: { driver_id: null, customer_id: 'x' } },
      { features: 'driver_stats:trips', entities: { driver_id: [1] } },
      { features: [1, null], entities: { driver_id: [1] } },
      { features: null, entities: { driver_id: [1] } },
      { feature_service: 1, entities: { driver_id: [1] } },
      { features: STATS, entities: { driver_id: [1] }, full_feature_names: 'maybe' },
      { features: STATS, entities: { driver_id: [1] }, full_feature_names: null },
      { features: STATS, entities: { driver_id: [1] }, full_feature_names: 2 },
      { features: STATS, entities: { driver_id: [1] }, full_feature_names: 1.0, colour: 'red' },
    ]) as unknown as OnlineBody['body'],
  wide(draw) {
    const [rows = 1, width = 1] = draw.one([
      [1, 50],
      [1, 250],
      [10, 100],
      [100, 10],
      [100, 50],
      [100, 250],
    ])
    return {
      ...(width === 250 ? { feature_service: 'widest' } : { features: draw.some(WIDE, width) }),
      entities: { driver_id: draw.many(rows, () => draw.below(130)) },
    }
  },
}

/** JSON with integers beyond 2^53 as they are. */
export function jsonOf({ body }: OnlineBody): string {
  const text = JSON.stringify(body, (_key, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  )
  return text.replaceAll(/"(-?\d+)n"/g, '$1')
}

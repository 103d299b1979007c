const BYTES = { $bytes: 'AP8=' }
const UUIDS = ['12345678-1234-5678-1234-567812345678', 'c9b6a6f4-5a5e-11ef-8000-325096b39f47']
const TIMES = [{ $time: '2022-01-01T00:00:00Z' }, { $time: '1969-12-31T23:59:59Z' }]

const SCALARS: Readonly<Record<string, readonly unknown[]>> = {
  bytes: [BYTES, { $bytes: '' }],
  string: ['dólar 💵\n"\\', ''],
  int32: [-5, 0],
  int64: [-9_007_199_254_740_000, 0],
  double: [1.5, -0],
  float: [0.7, 1.5],
  bool: [true, false],
  unix_timestamp: TIMES,
}

/** For every feature of `every_type`: values that Feast's SDK takes in a frame. */
export const EVERY_TYPE: Readonly<Record<string, readonly unknown[]>> = Object.fromEntries(
  Object.entries(SCALARS).flatMap(([type, values]) => [
    [`f_${type}`, values],
    [`f_${type}_list`, [[...values], [values[0]]]],
  ]),
)

const set = ($set: readonly unknown[]) => ({ $set })

/** The same for `every_kind`. */
export const EVERY_KIND: Readonly<Record<string, readonly unknown[]>> = {
  ...Object.fromEntries(
    Object.entries(SCALARS).map(([type, [value]]) => [`${type}_set`, [set([value])]]),
  ),
  json: ['{"a": [1, 2.0]}'],
  json_list: [['{"a": 1}', '[]']],
  uuid: [UUIDS[0]],
  uuid_list: [UUIDS],
  uuid_set: [set([UUIDS[0]])],
  time_uuid: [UUIDS[1]],
  time_uuid_list: [UUIDS],
  time_uuid_set: [set([UUIDS[1]])],
  decimal: ['1.10'],
  decimal_list: [['1.10', '-2']],
  decimal_set: [set(['1.10'])],
  map: [{ a: 1 }, {}],
  map_list: [[{ a: 'x' }, {}]],
  struct: [{ a: 1 }],
  struct_list: [[{ a: 1 }, { a: 2 }]],
  value_list: [[[1, 2], [3]]],
  value_set: [[[1, 2]]],
  scalar_map: [{ $pairs: [[1, 'a']] }],
  zoned_timestamp: [{ $time: '2022-01-01T00:00:00-05:00' }],
}

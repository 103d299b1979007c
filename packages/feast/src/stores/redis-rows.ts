import { murmur3 } from '../wire/murmur3.ts'
import type { FieldList } from './hash-source.ts'

/** The number that stands for a feature in Feast's Redis hashes. */
export function featureId(view: string, feature: string): number {
  return murmur3(Buffer.from(`${view}:${feature}`, 'utf8'))
}

/** The hash field of one feature: its number, little-endian. */
export function featureField(view: string, feature: string): Buffer {
  const field = Buffer.allocUnsafe(4)
  field.writeUInt32LE(featureId(view, feature))
  return field
}

/** The hash field that holds a view's event time. */
export function timestampField(view: string): Buffer {
  return Buffer.from(`_ts:${view}`, 'utf8')
}

/** Feast's Redis key: the entity key with the project behind it, nothing in between. */
export function redisKey(entityKey: Buffer, project: Buffer): Buffer {
  return Buffer.concat([entityKey, project])
}

/** What to ask a hash for: of each view its features, then its event time. */
export function fieldListOf(
  views: readonly { readonly view: string; readonly features: readonly string[] }[],
): FieldList {
  const fields = views.flatMap(({ view, features }) => [
    ...features.map((feature) => featureField(view, feature)),
    timestampField(view),
  ])
  return { fields, wire: Buffer.concat(fields.map(bulkString)) }
}

function bulkString(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')])
}

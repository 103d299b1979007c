import type { HashAsk } from '../hash-source.ts'

const HEAD_BYTES = 48
const CRLF = Buffer.from('\r\n')

/** The HMGET commands of all asks, one a key, as they go over the wire. */
export function hmgetBytes(asks: readonly HashAsk[], suffix: Buffer): Buffer {
  let most = 0
  for (const { keys, list } of asks)
    for (const key of keys)
      most += HEAD_BYTES + key.length + suffix.length + CRLF.length + list.wire.length
  const bytes = Buffer.allocUnsafe(most)
  let at = 0
  for (const { keys, list } of asks) {
    let length = -1
    let head = ''
    for (const key of keys) {
      if (key.length + suffix.length !== length) {
        length = key.length + suffix.length
        head = `*${list.fields.length + 2}\r\n$5\r\nHMGET\r\n$${length}\r\n`
      }
      at += bytes.write(head, at, 'latin1')
      at += key.copy(bytes, at)
      at += suffix.copy(bytes, at)
      at += CRLF.copy(bytes, at)
      at += list.wire.copy(bytes, at)
    }
  }
  return bytes.subarray(0, at)
}
